import { describe, expect, it } from 'vitest';
import { ClassLoad } from '../../../src/core/class-load.js';
import type { PriorityRank } from '../../../src/core/priority.js';

const nobody = (): boolean => false;
const only =
  (...ranks: PriorityRank[]) =>
  (rank: PriorityRank): boolean =>
    ranks.includes(rank);

describe('ClassLoad', () => {
  it.each<[nominal: number, least: number, seats: number]>([
    [10, 2, 10],
    [1, 2, 2],
    [0, 0.01, 0.01],
  ])('expects of a class that does not wait %d seats, at least %d: %d', (nominal, least, seats) => {
    const load = new ClassLoad();
    load.advance(0, [9, 9, 9, 9], nobody);
    load.advance(10_000, [9, 9, 9, 9], nobody);
    expect(load.seats(2, nominal, least)).toBe(seats);
  });

  it('follows the seats in use while a class waits, half of the way in 500 ms, from what it may expect', () => {
    const load = new ClassLoad();
    expect(load.seats(1, 10, 0)).toBe(10);
    const rows: [atMs: number, inUse: number, seats: number][] = [
      [0, 2, 10],
      [500, 2, 6],
      [1_000, 2, 4],
      [1_000, 9, 4],
      [900, 9, 4],
      [1_400, 8, 6],
      [1_000_000, 8, 8],
    ];
    for (const [atMs, inUse, seats] of rows) {
      load.advance(atMs, [0, inUse, 0, 0], only(1));
      expect(load.seats(1, 10, 0), `at ${atMs}`).toBeCloseTo(seats, 1);
    }
    expect(load.seats(1, 10, 8.5)).toBe(8.5);
  });

  it('averages each class by itself', () => {
    const load = new ClassLoad();
    for (const rank of [0, 3] as const) load.seats(rank, 8, 0);
    load.advance(0, [8, 0, 0, 8], only(0, 3));
    load.advance(500, [8, 0, 0, 0], only(0, 3));
    expect([load.seats(0, 1, 0), load.seats(3, 1, 0)]).toEqual([8, 4]);
  });

  it('does not count the time before a class began to wait, and forgets the average when it waits no more', () => {
    const load = new ClassLoad();
    load.seats(1, 10, 0);
    load.advance(0, [0, 0, 0, 0], nobody);
    load.advance(60_000, [0, 0, 0, 0], only(1));
    expect(load.seats(1, 99, 0)).toBe(10);
    load.advance(60_500, [0, 0, 0, 0], only(1));
    expect(load.seats(1, 99, 0)).toBe(5);
    load.advance(60_600, [0, 0, 0, 0], nobody);
    expect(load.seats(1, 7, 0)).toBe(7);
    load.advance(60_700, [0, 0, 0, 0], only(1));
    expect(load.seats(1, 99, 0)).toBe(7);
  });
});
