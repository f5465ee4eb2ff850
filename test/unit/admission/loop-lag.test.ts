import { describe, expect, it } from 'vitest';
import { LoopLag } from '../../../src/admission/loop-lag.js';
import { CountingClock } from './counting-clock.js';

describe('LoopLag', () => {
  it.each<[stallMs: number, overdueMs: number]>([
    [0, 0],
    [20, 0],
    [21, 1],
    [520, 500],
  ])('a turn that holds the process for %d ms is overdue by %d ms', (stallMs, overdueMs) => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    clock.spend(stallMs);
    expect(lag.overdueMs(clock.nowMs())).toBe(overdueMs);
  });

  it('is never overdue while its timer comes on time', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    for (let step = 0; step < 100; step++) {
      clock.advance(7);
      expect([lag.overdueMs(clock.nowMs()), lag.averageMs(clock.nowMs())]).toEqual([0, 0]);
    }
  });

  it('averages the lateness of turns, a fifth of the way each, and lets it fade', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    const rows: [stallMs: number, averageMs: number][] = [
      [120, 20],
      [120, 36],
      [20, 28.8],
      [20, 23.04],
    ];
    for (const [stallMs, averageMs] of rows) {
      clock.spend(stallMs);
      clock.advance(0);
      expect(lag.averageMs(clock.nowMs())).toBeCloseTo(averageMs, 6);
      expect(lag.overdueMs(clock.nowMs())).toBe(0);
    }
    clock.advance(2_000);
    expect(lag.averageMs(clock.nowMs())).toBeLessThan(0.001);
  });

  it('knows of a long turn before its own timer has run', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    clock.spend(1_020);
    expect(lag.averageMs(clock.nowMs())).toBe(200);
  });

  it('counts half of a stall against what arrived during it, in this turn and the next, and against nothing later', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    const seen: number[] = [];
    const look = (): void => {
      seen.push(lag.unseenMs(clock.nowMs()));
    };
    clock.spend(220);
    look();
    clock.input(0, () => {
      look();
      clock.afterInput(() => clock.input(0, look));
    });
    clock.advance(1);
    look();
    expect(seen).toEqual([200, 100, 100, 0]);
  });

  it('takes lateness of one tick for no stall', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    const seen: number[] = [];
    clock.spend(40);
    clock.input(0, () => seen.push(lag.unseenMs(clock.nowMs())));
    clock.advance(0);
    expect(seen).toEqual([0]);
  });

  it('leaves no timer behind', () => {
    const clock = new CountingClock();
    const lag = new LoopLag(clock);
    clock.advance(100);
    expect(clock.armed).toBe(1);
    lag.stop();
    expect(clock.armed).toBe(0);
  });
});
