import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/simulator/random.js';

const first = (seed: number, name: string, count: number): number[] => {
  const random = seededRandom(seed, name);
  return Array.from({ length: count }, random);
};

describe('seededRandom', () => {
  it('gives the same numbers for the same seed and name, and others for another of either', () => {
    expect(first(1, 'a', 100)).toEqual(first(1, 'a', 100));
    expect(first(1, 'a', 10)).not.toEqual(first(2, 'a', 10));
    expect(first(1, 'a', 10)).not.toEqual(first(1, 'b', 10));
    expect(first(1, 'one arrivals', 10)).not.toEqual(first(1, 'two arrivals', 10));
  });

  it.each([1, 2, 0xffff_ffff])('spreads evenly over [0, 1), seed %i', (seed) => {
    const bins = new Array<number>(20).fill(0);
    for (const value of first(seed, 'even', 100_000)) {
      expect(value >= 0 && value < 1).toBe(true);
      const bin = Math.floor(value * 20);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    // Chi square with 19 degrees of freedom: above 50 less than once in ten thousand.
    expect(bins.reduce((sum, count) => sum + (count - 5_000) ** 2 / 5_000, 0)).toBeLessThan(50);
  });

  it('gives neighbouring seeds numbers that have nothing to do with each other', () => {
    const [one, other] = [first(7, 'x', 20_000), first(8, 'x', 20_000)];
    const product = one.reduce((sum, value, index) => sum + (value - 0.5) * ((other[index] ?? 0) - 0.5), 0) / 20_000;
    expect(Math.abs(product * 12)).toBeLessThan(0.03);
  });
});
