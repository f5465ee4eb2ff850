import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BINS_MS, BUCKET_BOUNDS_MS, binOf, binsSince, quantileOf } from '../../../src/telemetry/duration-bins.js';
import { Histogram } from '../../../src/telemetry/histogram.js';

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

/** Whether a figure is the exact one, within what a bin is wide. */
const near = (estimate: number | undefined, exactMs: number): void => {
  expect(estimate).toBeGreaterThanOrEqual(exactMs / 1.045);
  expect(estimate).toBeLessThanOrEqual(exactMs * 1.045);
};

test('a bin lies in one bucket, and stands for durations close to its own', () => {
  expect(BINS_MS.toSorted((a, b) => a - b)).toEqual(BINS_MS);
  for (const [bin, ms] of BINS_MS.entries()) expect([ms, binOf(ms)]).toEqual([ms, bin]);
  for (const bound of BUCKET_BOUNDS_MS) {
    expect(BINS_MS[binOf(bound)]).toBeLessThan(bound);
    expect(BINS_MS[binOf(bound * (1 + 1e-12))]).toBeGreaterThan(bound);
  }
});

test.each([
  // The buckets end at 1,000 and 2,500 ms.
  [[1_400, 1_400, 1_400], 0.99, 1_400],
  [[20, 20, 20, 20], 0.5, 20],
  [[3, 3, 3, 3, 3, 3, 3, 3, 3, 200], 0.9, 3],
  [[3, 3, 3, 3, 3, 3, 3, 3, 3, 200], 0.95, 200],
  [[90_000], 0.5, 90_000],
  [[0.4], 0.5, 0.4],
])('of %j the quantile %d is %d', (durations, share, expected) => {
  near(observe(...durations).quantile(share), expected);
});

test('no wait is 0, more than an hour is an hour, and of nothing there is no quantile', () => {
  expect(observe(0, 0, 0, 5).quantile(0.75)).toBe(0);
  near(observe(86_400_000).quantile(0.5), 3_600_000);
  expect(observe().quantile(0.5)).toBeUndefined();
});

test('a quantile is the observation that it stands for, within 4.5 %', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.04, max: 3_000_000, noNaN: true }), { minLength: 1 }),
      fc.integer({ min: 1, max: 100 }),
      (durations, percent) => {
        const sorted = durations.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN;
        near(observe(...durations).quantile(percent / 100), exact);
      },
    ),
  );
});

test('quantiles since an earlier look are those of what came in between', () => {
  const histogram = observe(20_000);
  const earlier = histogram.filled();
  expect(quantileOf(0.5, binsSince(histogram.filled(), earlier))).toBeUndefined();
  for (let count = 0; count < 100; count += 1) histogram.observe(40);
  near(quantileOf(1, binsSince(histogram.filled(), earlier)), 40);
  near(quantileOf(1, binsSince(histogram.filled())), 20_000);
});
