import { describe, expect, it } from 'vitest';
import { StartSpread } from '../../../src/pools/start-spread.js';

describe('the spread of connects that nobody waits for', () => {
  it.each([
    [0, 100],
    [0.5, 125],
    [0.99, 149.5],
  ])('makes the first attempt of a pool (random %d) at %d ms', (random, atMs) => {
    const spread = new StartSpread(100, () => random);
    expect(spread.firstAtMs).toBeCloseTo(atMs);
    spread.opened();
    expect(spread.firstAtMs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('lets the floor grow by one at a time', () => {
    const spread = new StartSpread(0, () => 0.5);
    expect(spread.floor(0, 3, 0)).toBe(1);
    expect(spread.nextAtMs).toBe(25);
    expect([spread.floor(1, 3, 1), spread.floor(24, 2, 0)]).toEqual([1, 0]);
    expect(spread.floor(25, 2, 0)).toBe(1);
    expect(spread.nextAtMs).toBe(50);
  });

  it.each([
    [0, 0],
    [-3, 0],
    [2, 2],
    [1, 4],
  ])('asks for none beyond what is missing (%i, of which %i are on their way)', (missing, connecting) => {
    const spread = new StartSpread(0, () => 0.5);
    expect(spread.floor(0, missing, connecting)).toBe(missing);
    expect(spread.nextAtMs).toBe(Number.NEGATIVE_INFINITY);
  });
});
