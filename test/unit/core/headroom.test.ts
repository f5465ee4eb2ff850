import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headroomSeats } from '../../../src/core/headroom.js';

describe('headroomSeats', () => {
  it.each<[lambdaPerSecond: number, meanHoldMs: number, max: number, seats: number]>([
    [0, 20, 16, 1],
    [100, 0, 16, 1],
    [50, 20, 16, 3],
    [100, 20, 16, 5],
    [200, 20, 16, 8],
    [200, 20, 10, 5],
    [100_000, 1_000, 16, 8],
    [100, 20, 0, 0],
    [100, 20, 1, 0],
    [100, 20, 2, 1],
    [100, 20, 3, 1],
    [Number.NaN, 20, 16, 1],
    [100, Number.POSITIVE_INFINITY, 16, 8],
  ])('for %d/s of %d ms in a pool of %d keeps %d seats', (lambdaPerSecond, meanHoldMs, max, seats) => {
    expect(headroomSeats(lambdaPerSecond, meanHoldMs, max)).toBe(seats);
  });

  it('property: never more than half, never fewer for more work', () => {
    const load = fc.double({ min: 0, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(load, load, load, fc.integer({ min: 0, max: 200 }), (lambda, more, holdMs, max) => {
        const seats = headroomSeats(lambda, holdMs, max);
        expect(seats).toBeLessThanOrEqual(max / 2);
        expect(seats).toBeGreaterThanOrEqual(max < 2 ? 0 : 1);
        expect(headroomSeats(lambda + more, holdMs, max)).toBeGreaterThanOrEqual(seats);
      }),
    );
  });
});
