import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exceeds, seatCount } from '../../../src/core/seat-count.js';

describe('the seats of a pool', () => {
  it.each([
    [7, 0.14, 50],
    [3, 0.3, 10],
    [16, 1, 16],
    [5, 0.3, 16],
    [1, 1, 1],
  ])('%d connections at %d operations a request are %d', (connections, operations, seats) => {
    expect(seatCount(connections, operations)).toBe(seats);
  });

  it('property: what was n seats × operations is n seats again, and a little less is one fewer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10_000 }), fc.integer({ min: 1, max: 100 }), (seats, hundredths) => {
        const connections = (seats * hundredths) / 100;
        expect(seatCount(connections, hundredths / 100)).toBe(seats);
        expect(seatCount(connections * (1 - 1e-6), hundredths / 100)).toBe(seats - 1);
      }),
    );
  });

  it('tells more from as much, whatever binary fractions make of it', () => {
    expect([exceeds(1.8, 0.6 * 3), exceeds((36 * 50) / 1_000, 0.6 * 3), exceeds(1.801, 0.6 * 3)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
