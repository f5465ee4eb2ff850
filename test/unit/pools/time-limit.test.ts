import { describe, expect, it } from 'vitest';
import { timeLimit } from '../../../src/pools/time-limit.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A limit of 200 ms, and when it ran out. */
function limited(clock: VirtualClock): { readonly ranAtMs: number | undefined; cancel(): void } {
  const seen: { ranAtMs: number | undefined; cancel(): void } = { ranAtMs: undefined, cancel: () => {} };
  const timer = timeLimit(clock, 200, () => {
    seen.ranAtMs = clock.nowMs();
  });
  seen.cancel = () => timer.cancel();
  return seen;
}

describe('timeLimit', () => {
  it('runs out once its time is over', () => {
    const clock = new VirtualClock();
    const limit = limited(clock);
    clock.runUntil(199);
    expect(limit.ranAtMs).toBeUndefined();
    clock.runUntil(1_000);
    expect(limit.ranAtMs).toBe(200);
  });

  it.each<[stallMs: number, ranAtMs: number]>([
    // Not late enough to be a stall.
    [140, 240],
    // 150 ms late, which are granted again.
    [250, 500],
    // No more than the limit itself is granted, however long the stall was.
    [2_000, 2_300],
  ])('after a stall of %d ms that began at 100 it runs out at %d', (stallMs, ranAtMs) => {
    const clock = new VirtualClock();
    const limit = limited(clock);
    clock.input(100, () => clock.spend(stallMs));
    clock.runUntil(10_000);
    expect(limit.ranAtMs).toBe(ranAtMs);
  });

  it('grants its own length in all, so that a process which only stalls gives up too', () => {
    const clock = new VirtualClock();
    const limit = limited(clock);
    for (let round = 0; round < 20; round++) clock.input(100 + round, () => clock.spend(500));
    clock.runUntil(30_000);
    expect(limit.ranAtMs).toBeLessThanOrEqual(10_400);
  });

  it('lets the input in before it runs out, and never runs once it is cancelled', () => {
    const clock = new VirtualClock();
    const limit = limited(clock);
    // Arrives in the very turn in which the limit falls due.
    clock.input(200, () => limit.cancel());
    clock.runUntil(1_000);
    expect(limit.ranAtMs).toBeUndefined();

    const stalled = limited(clock);
    clock.input(100, () => clock.spend(300));
    clock.runUntil(1_450);
    stalled.cancel();
    clock.runUntil(5_000);
    expect(stalled.ranAtMs).toBeUndefined();
  });
});
