import { describe, expect, it } from 'vitest';
import { HoldWindow } from '../../../src/core/hold-window.js';

/** Sixteen at a time, all ending together, every `heldMs`. */
function lockStep(window: HoldWindow, seats: number, heldMs: number, rounds: number, workMs = 10, quietMs?: number) {
  for (let round = 1; round <= rounds; round++) {
    for (let seat = 0; seat < seats; seat++) window.add(round * heldMs, heldMs, workMs, quietMs);
  }
  return window.figures(rounds * heldMs);
}

describe('a window of hold times', () => {
  it('tells throughput in seats of quiet work, without an error at its ends', () => {
    const window = new HoldWindow();
    window.begin(0, 16);
    // 16 requests every 20 ms, each worth 10 ms: half of 16 seats.
    expect(lockStep(window, 16, 20, 11)).toEqual({ throughput: 8, congested: undefined, lastedMs: 220 });
  });

  it('does not count what got its seat before', () => {
    const window = new HoldWindow();
    window.begin(1_000, 2);
    for (let count = 0; count < 100; count++) window.add(1_300, 301, 10, 10);
    expect(window.figures(1_300)).toBeUndefined();
    for (let count = 0; count < 20; count++) window.add(1_300, 20, 10, 10);
    expect(window.figures(1_300)?.throughput).toBe(1);
  });

  it('waits until the mean is known, or there is enough', () => {
    const window = new HoldWindow();
    window.begin(0, 1);
    for (let count = 0; count < 399; count++) window.add(300, count % 2 === 0 ? 10 : 200, 10, undefined);
    expect(window.figures(300)).toBeUndefined();
    window.add(300, 200, 10, undefined);
    expect(window.figures(300)).toBeDefined();
  });

  it.each([
    [14, 10, false],
    [16, 10, true],
    [16, undefined, undefined],
  ])('held for %s ms where %s is quiet: congested %s', (heldMs, quietMs, congested) => {
    const window = new HoldWindow();
    window.begin(0, 4);
    expect(lockStep(window, 4, heldMs, 20, 10, quietMs)?.congested).toBe(congested);
  });

  it('is over when the seats are not full', () => {
    const window = new HoldWindow();
    window.begin(0, 4);
    expect([true, true, true, true, false].map((full) => window.look(full))).toEqual([true, true, true, true, true]);
    expect(window.look(false)).toBe(false);
    window.begin(0, 4);
    expect(window.look(false)).toBe(true);
  });
});
