import { describe, expect, it } from 'vitest';
import { type Distribution, draw, shareWithin } from '../../../src/simulator/distribution.js';
import { seededRandom } from '../../../src/simulator/random.js';

const MIXTURE: Distribution = {
  kind: 'mixture',
  parts: [
    { share: 0.9, of: { kind: 'exponential', meanMs: 35 } },
    { share: 0.1, of: { kind: 'exponential', meanMs: 185 } },
  ],
};

const ROWS: [name: string, distribution: Distribution, meanMs: number][] = [
  ['constant', { kind: 'constant', ms: 40 }, 40],
  ['exponential', { kind: 'exponential', meanMs: 50 }, 50],
  ['lognormal', { kind: 'lognormal', medianMs: 20, sigma: 0.5 }, 20 * Math.exp(0.125)],
  ['pareto', { kind: 'pareto', minMs: 10, alpha: 3 }, 15],
  ['pareto, cut off', { kind: 'pareto', minMs: 10, alpha: 1, maxMs: 100 }, 10 * (1 + Math.log(10))],
  ['bimodal', { kind: 'bimodal', fastMs: 5, slowMs: 2_000, slowShare: 0.01 }, 24.95],
  ['mixture', MIXTURE, 50],
];

describe.each(ROWS)('%s', (_, distribution, meanMs) => {
  const random = seededRandom(3, 'draws');
  const drawn = Array.from({ length: 200_000 }, () => draw(distribution, random));

  it('has the mean that its parameters give', () => {
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    expect(Math.abs(mean / meanMs - 1)).toBeLessThan(0.02);
  });

  it.each([1, 9.9, 30, 100, 500])('is drawn as often within %d ms as it says', (ms) => {
    const within = drawn.filter((value) => value <= ms).length / drawn.length;
    expect(Math.abs(within - shareWithin(distribution, ms))).toBeLessThan(0.005);
  });
});

it('knows the ceiling of the reference programs: 0.67 % need longer than 500 ms by themselves', () => {
  expect(shareWithin(MIXTURE, 500)).toBeCloseTo(0.9933, 4);
});

it('refuses a mixture of nothing', () => {
  expect(() => draw({ kind: 'mixture', parts: [] }, () => 0.5)).toThrow('at least one part');
});
