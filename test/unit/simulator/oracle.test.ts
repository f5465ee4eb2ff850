import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairnessMargin, maxMinShares } from '../../../src/simulator/oracle.js';

const claimant = fc.record({
  demand: fc.double({ min: 0, max: 100, noNaN: true }),
  weight: fc.double({ min: 0.1, max: 10, noNaN: true }),
});
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('maxMinShares', () => {
  it.each<[title: string, capacity: number, demands: [demand: number, weight: number][], parts: number[]]>([
    [
      'enough for all',
      10,
      [
        [3, 1],
        [4, 1],
      ],
      [3, 4],
    ],
    [
      'equal parts',
      10,
      [
        [20, 1],
        [20, 1],
      ],
      [5, 5],
    ],
    [
      'what a small one leaves',
      10,
      [
        [2, 1],
        [20, 1],
        [20, 1],
      ],
      [2, 4, 4],
    ],
    [
      'by weight',
      12,
      [
        [20, 3],
        [20, 1],
      ],
      [9, 3],
    ],
    [
      'by weight, what a heavy one leaves',
      12,
      [
        [4, 3],
        [20, 1],
        [20, 1],
      ],
      [4, 4, 4],
    ],
    ['nothing to divide', 0, [[1, 1]], [0]],
    ['nobody', 5, [], []],
  ])('%s', (_, capacity, demands, parts) => {
    expect(
      maxMinShares(
        capacity,
        demands.map(([demand, weight]) => ({ demand, weight })),
      ),
    ).toEqual(parts);
  });

  it('wastes nothing, gives nobody more than asked, and nobody less than another has for his weight', () => {
    fc.assert(
      fc.property(
        fc.array(claimant, { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        (claimants, capacity) => {
          const parts = maxMinShares(capacity, claimants);
          expect(sum(parts)).toBeCloseTo(Math.min(capacity, sum(claimants.map(({ demand }) => demand))), 6);
          const highest = Math.max(...parts.map((part, index) => part / (claimants[index]?.weight ?? 1)));
          for (const [index, part] of parts.entries()) {
            const { demand, weight } = claimants[index] ?? { demand: 0, weight: 1 };
            expect(part).toBeLessThanOrEqual(demand + 1e-9);
            if (part < demand - 1e-6) expect(part / weight).toBeCloseTo(highest, 6);
          }
        },
      ),
    );
  });
});

describe('fairnessMargin', () => {
  it('is 0 for the fair division, and the greatest part that went to the wrong one else', () => {
    const both = [{ demand: 10 }, { demand: 10 }];
    expect(fairnessMargin([3, 3], both)).toBe(0);
    expect(fairnessMargin([4, 2], both)).toBeCloseTo(1 / 6, 12);
    expect(fairnessMargin([0, 0], both)).toBe(0);
  });
});
