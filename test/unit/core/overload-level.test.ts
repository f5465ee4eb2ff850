import { describe, expect, it } from 'vitest';
import { OverloadLevel } from '../../../src/core/overload-level.js';
import { PRIORITY_RANKS } from '../../../src/core/priority.js';

type Row = readonly [nowMs: number, lagMs: number, utilisation: number, level: number];

function play(rows: readonly Row[]): void {
  const overload = new OverloadLevel(100);
  for (const [nowMs, lagMs, utilisation, level] of rows) {
    overload.update(nowMs, lagMs, utilisation);
    expect([nowMs, overload.level]).toEqual([nowMs, level]);
  }
}

describe('OverloadLevel', () => {
  it.each<[lagMs: number, shed: readonly boolean[]]>([
    [100, [false, false, false, false]],
    [101, [false, false, false, true]],
    [151, [false, false, true, true]],
    [201, [false, true, true, true]],
    [1e9, [false, true, true, true]],
  ])('at a lag of %d ms sheds by class, and never the top one: %j', (lagMs, shed) => {
    const overload = new OverloadLevel(100);
    overload.update(0, lagMs, 1);
    expect(PRIORITY_RANKS.map((rank) => overload.sheds(rank))).toEqual(shed);
  });

  it.each([1, 2, 3] as const)('rank %d passes again with the lag that it names, and with no more', (rank) => {
    const overload = new OverloadLevel(100);
    const calmMs = overload.calmLagMs(rank);
    overload.update(0, 1e9, 1);
    for (let nowMs = 1; nowMs <= 2_000; nowMs += 1) overload.update(nowMs, calmMs + 1, 1);
    expect(overload.sheds(rank)).toBe(true);
    for (let nowMs = 2_001; nowMs <= 3_000; nowMs += 1) overload.update(nowMs, calmMs, 1);
    expect(overload.sheds(rank)).toBe(false);
  });

  it('does nothing about lag of a process that is not busy: it was suspended, or stood still once', () => {
    play([
      [0, 5_000, 0, 0],
      [20, 5_000, 0.89, 0],
      [40, 5_000, 0.9, 3],
    ]);
  });

  it('does nothing about a process that is busy and in time, however slow its requests are', () => {
    play([
      [0, 0, 1, 0],
      [20, 99, 1, 0],
    ]);
  });

  it('does not flap around its bound', () => {
    play([
      [0, 101, 1, 1],
      [200, 60, 1, 1],
      [400, 99, 1, 1],
      [600, 51, 1, 1],
      [800, 101, 1, 1],
    ]);
  });

  it('leaves a level after a quarter of a second below half of its lag, one level at a time', () => {
    play([
      [0, 300, 1, 3],
      [100, 90, 1, 3],
      [249, 90, 1, 3],
      [250, 90, 1, 2],
      [499, 60, 1, 2],
      [500, 60, 1, 1],
      // Half of the lowest bound is 50.
      [700, 51, 1, 1],
      [900, 50, 1, 1],
      [949, 10, 1, 1],
      [950, 10, 1, 0],
    ]);
  });

  it('leaves it as well when the loop rests, whatever the average of its lag still says', () => {
    play([
      [0, 300, 1, 3],
      [100, 300, 0.69, 3],
      [250, 300, 0.5, 2],
      [500, 300, 0.1, 1],
      [750, 300, 0.1, 0],
    ]);
  });
});
