import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BUCKET_BOUNDS_MS, Histogram } from '../../../src/telemetry/histogram.js';

const observe = (...durations: number[]): Histogram => {
  const histogram = new Histogram();
  for (const duration of durations) histogram.observe(duration);
  return histogram;
};

test('counts each duration at or below every bound that is not smaller', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 60_000, noNaN: true })), (durations) => {
      const histogram = observe(...durations);
      expect(histogram.cumulative()).toEqual(
        BUCKET_BOUNDS_MS.map((bound) => durations.filter((duration) => duration <= bound).length),
      );
      expect(histogram.count).toBe(durations.length);
      expect(histogram.sumMs).toBeCloseTo(
        durations.reduce((a, b) => a + b, 0),
        3,
      );
    }),
  );
});

test('a bound belongs to its own bucket', () => {
  expect(observe(...BUCKET_BOUNDS_MS).cumulative()).toEqual(BUCKET_BOUNDS_MS.map((_, index) => index + 1));
});

test('an instant that cannot be counts as 0', () => {
  const histogram = observe(-5, Number.NaN);
  expect(histogram.cumulative()[0]).toBe(2);
  expect(histogram.sumMs).toBe(0);
});

test.each([
  [[], 0.5, undefined],
  [[20, 20, 20, 20], 0.5, 17.5],
  [[20, 20, 20, 20], 1, 25],
  [[3, 3, 3, 3, 3, 3, 3, 3, 3, 200], 0.9, 5],
  [[3, 3, 3, 3, 3, 3, 3, 3, 3, 200], 0.95, 175],
  [[90_000], 0.5, 30_000],
  [[0], 0, 0],
])('of %j the quantile %d is %j', (durations, share, expected) => {
  expect(observe(...durations).quantile(share)).toEqual(expected);
});

test('a quantile lies in the bucket of the observation that it stands for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 29_000, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (durations, share) => {
        const sorted = durations.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
        const upper = BUCKET_BOUNDS_MS.find((bound) => exact <= bound) ?? Number.NaN;
        const lower = BUCKET_BOUNDS_MS.findLast((bound) => bound < upper) ?? 0;
        const estimate = observe(...durations).quantile(share) ?? Number.NaN;
        expect(estimate).toBeGreaterThanOrEqual(lower);
        expect(estimate).toBeLessThanOrEqual(upper);
      },
    ),
  );
});
