import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceTimes } from '../../../src/core/service-times.js';

/** Half of the width of a bin, and a little for rounding. */
const RELATIVE_ERROR = 0.045;

function expectNear(actual: number, exact: number): void {
  expect(actual).toBeGreaterThanOrEqual(exact * (1 - RELATIVE_ERROR));
  expect(actual).toBeLessThanOrEqual(exact * (1 + RELATIVE_ERROR));
}

/** Records `count` samples of `ms`, one each millisecond from `fromMs` on; returns the instant after the last. */
function feed(times: ServiceTimes, fromMs: number, count: number, ms: number): number {
  for (let index = 0; index < count; index++) times.record(fromMs + index, ms);
  return fromMs + count;
}

const duration = fc.oneof(
  fc.double({ min: 0.06, max: 50, noNaN: true }),
  fc.double({ min: 0.06, max: 3_000_000, noNaN: true }),
);
const sample = fc.record({
  stepMs: fc.oneof(fc.double({ min: -5, max: 200, noNaN: true }), fc.double({ min: 0, max: 60_000, noNaN: true })),
  ms: duration,
  cancelled: fc.boolean(),
});
const options = fc.record({
  expectedMs: fc.option(duration, { nil: undefined }),
  maxSamples: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
});

interface Sample {
  readonly stepMs: number;
  readonly ms: number;
  readonly cancelled: boolean;
}

function replay(times: ServiceTimes, samples: readonly Sample[]): number {
  let nowMs = 0;
  for (const { stepMs, ms, cancelled } of samples) {
    nowMs += stepMs;
    if (cancelled) times.recordCensored(nowMs, ms);
    else times.record(nowMs, ms);
  }
  return nowMs;
}

function estimates(times: ServiceTimes, nowMs: number): [p50: number, p90: number, meanMs: number] {
  return [times.p50(nowMs), times.p90(nowMs), times.meanMs(nowMs)];
}

describe('ServiceTimes', () => {
  it('is optimistic before the first sample', () => {
    const times = new ServiceTimes();
    expect(estimates(times, 0)).toEqual([0, 0, 0]);
    expect([times.samples, times.lastSampleMs]).toEqual([0, undefined]);
  });

  it('starts from the expectation and lets four samples displace it', () => {
    const times = new ServiceTimes({ expectedMs: 100 });
    expect(estimates(times, 0)).toEqual([100, 100, 100]);
    feed(times, 0, 1, 20);
    expect(times.p50(1)).toBe(100);
    feed(times, 1, 3, 20);
    expectNear(times.p90(3), 20);
    expectNear(times.meanMs(3), 20);
    expect([times.samples, times.lastSampleMs]).toEqual([4, 3]);
  });

  it('takes the first slow sample seriously in p90 and not in the median', () => {
    const times = new ServiceTimes();
    times.record(0, 400);
    expect(times.p50(0)).toBe(0);
    expectNear(times.p90(0), 400);
  });

  it.each([0.05, 0.06, 1, 7.3, 1_000, 59_999, 3_599_999])('is near a constant %s ms', (ms) => {
    const times = new ServiceTimes();
    const atMs = feed(times, 0, 300, ms);
    for (const estimate of estimates(times, atMs)) expectNear(estimate, ms);
  });

  it('keeps what is out of range at its edge, and ignores what is no duration', () => {
    const times = new ServiceTimes();
    feed(times, 0, 20, 0);
    expectNear(times.p90(20), 0.05);
    feed(times, 20, 300, 1e12);
    expectNear(times.p90(400), 3_600_000);
    times.record(400, Number.NaN);
    times.record(400, -1);
    times.recordCensored(400, Number.NaN);
    expect(times.samples).toBe(320);
  });

  it('shows an increase in p90 after 25 samples and in the median after 150', () => {
    const times = new ServiceTimes();
    let atMs = feed(times, 0, 5_000, 20);
    atMs = feed(times, atMs, 25, 300);
    expectNear(times.p50(atMs + 50), 20);
    expectNear(times.p90(atMs + 50), 300);
    atMs = feed(times, atMs, 125, 300);
    expectNear(times.p50(atMs + 50), 300);
  });

  it('shows a decrease in the median after 150 samples and in p90 after 500', () => {
    const times = new ServiceTimes();
    let atMs = feed(times, 0, 5_000, 300);
    atMs = feed(times, atMs, 150, 20);
    expectNear(times.p50(atMs + 50), 20);
    expectNear(times.p90(atMs + 50), 300);
    atMs = feed(times, atMs, 350, 20);
    expectNear(times.p90(atMs + 50), 20);
  });

  it('forgets by time where samples are few', () => {
    const times = new ServiceTimes({ halfLifeMs: 1_000 });
    for (let atMs = 0; atMs < 20_000; atMs += 100) times.record(atMs, 200);
    for (let atMs = 20_000; atMs < 24_000; atMs += 100) times.record(atMs, 10);
    expectNear(times.p90(24_000), 10);
  });

  it('still tells durations apart after a million samples', () => {
    const times = new ServiceTimes();
    let atMs = feed(times, 0, 1_000_000, 20);
    expectNear(times.p90(atMs), 20);
    atMs = feed(times, atMs, 150, 300);
    expectNear(times.p50(atMs), 300);
  });

  it('knows that cancelled work takes longer than it was let run', () => {
    const cancelled = new ServiceTimes();
    const believed = new ServiceTimes();
    // Six of ten take 20 ms, four take a second and are cut at 500 ms.
    for (let index = 0; index < 1_000; index++) {
      const slow = index % 10 >= 6;
      if (slow) cancelled.recordCensored(index, 500);
      else cancelled.record(index, 20);
      if (!slow) believed.record(index, 20);
    }
    expectNear(believed.p90(1_000), 20);
    expectNear(cancelled.p50(1_000), 20);
    expectNear(cancelled.p90(1_000), 500);
    expect(cancelled.meanMs(1_000)).toBeGreaterThan(0.4 * 500 * (1 - RELATIVE_ERROR));
  });

  it('credits early cancels to what takes longer, in proportion', () => {
    const times = new ServiceTimes({ maxSamples: 1e9, halfLifeMs: 1e9 });
    // Half of the clients leave after 5 ms, which tells nothing about the 10 and 100 ms that the others take.
    for (let index = 0; index < 1_000; index++) {
      times.recordCensored(index, 5);
      times.record(index, index % 4 === 0 ? 100 : 10);
    }
    expectNear(times.p50(1_000), 10);
    expectNear(times.p90(1_000), 100);
    expectNear(times.meanMs(1_000), 0.75 * 10 + 0.25 * 100);
  });

  it('learns from cancelled work alone', () => {
    const times = new ServiceTimes({ expectedMs: 20 });
    for (let index = 0; index < 10; index++) times.recordCensored(index, 500);
    expectNear(times.p50(10), 500);
  });

  it('returns to the expectation in silence, so that a route cannot starve itself', () => {
    const rows: [silenceMs: number, p50: number, p90: number][] = [
      [50, 1_000, 1_000],
      [9_000, 1_000, 1_000],
      [20_001, 30, 1_000],
      [45_000, 30, 30],
      [1e9, 30, 30],
    ];
    for (const [silenceMs, p50, p90] of rows) {
      const times = new ServiceTimes({ expectedMs: 30 });
      const atMs = feed(times, 0, 1_000, 1_000);
      expectNear(times.p50(atMs + silenceMs), p50);
      expectNear(times.p90(atMs + silenceMs), p90);
    }
    const optimist = new ServiceTimes();
    feed(optimist, 0, 1_000, 1_000);
    expect(optimist.p90(1_000 + 45_000)).toBe(0);
    optimist.record(1e9, 70);
    expectNear(optimist.p90(1e9), 70);
  });

  it('remembers slow work for longer, up to twelve half-lives', () => {
    const slow = new ServiceTimes();
    for (let atMs = 0; atMs <= 600_000; atMs += 30_000) slow.record(atMs, 30_000);
    expectNear(slow.p50(650_000), 30_000);
    const stuck = new ServiceTimes();
    for (let index = 0; index < 20; index++) stuck.record(index, 3_600_000);
    expect(stuck.p90(600_000)).toBe(0);
  });

  it('works its estimates out at most every 50 ms or 64 samples', () => {
    const times = new ServiceTimes();
    const atMs = feed(times, 0, 400, 20);
    expectNear(times.p90(atMs), 20);
    for (let index = 0; index < 63; index++) times.record(atMs, 500);
    expectNear(times.p90(atMs + 49), 20);
    expectNear(times.p90(atMs + 50), 500);
    for (let index = 0; index < 64; index++) times.record(atMs + 50, 9_000);
    expectNear(times.p90(atMs + 50), 9_000);
  });

  it('refuses senseless options by name', () => {
    expect(() => new ServiceTimes({ expectedMs: -1 })).toThrow(/expectedMs is -1/);
    expect(() => new ServiceTimes({ halfLifeMs: 0 })).toThrow(/halfLifeMs is 0/);
    expect(() => new ServiceTimes({ maxSamples: 0.5 })).toThrow(/maxSamples is 0.5/);
  });

  it('property: without forgetting, quantiles and mean are within 4.5 % of the exact ones', () => {
    fc.assert(
      fc.property(fc.array(duration, { minLength: 10, maxLength: 400 }), (durations) => {
        const times = new ServiceTimes({ maxSamples: 1e12 });
        for (const ms of durations) times.record(0, ms);
        const sorted = durations.toSorted((left, right) => left - right);
        expectNear(times.p50(0), sorted[Math.ceil(durations.length * 0.5) - 1] ?? 0);
        expectNear(times.p90(0), sorted[Math.ceil(durations.length * 0.9) - 1] ?? 0);
        expectNear(times.meanMs(0), durations.reduce((sum, ms) => sum + ms, 0) / durations.length);
      }),
    );
  });

  it('property: cancelled work never lowers an estimate', () => {
    fc.assert(
      fc.property(
        options,
        fc.array(sample, { maxLength: 80 }),
        fc.array(duration, { minLength: 1, maxLength: 10 }),
        (setting, samples, cuts) => {
          const without = new ServiceTimes(setting);
          const having = new ServiceTimes(setting);
          const nowMs = Math.max(replay(without, samples), without.lastSampleMs ?? 0);
          replay(having, samples);
          for (const ms of cuts) having.recordCensored(nowMs, ms);
          const before = estimates(without, nowMs);
          const after = estimates(having, nowMs);
          for (const [index, estimate] of after.entries()) {
            expect(estimate).toBeGreaterThanOrEqual((before[index] ?? 0) * (1 - 1e-9));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('property: estimates stay ordered and within what was seen or expected', () => {
    fc.assert(
      fc.property(options, fc.array(sample, { maxLength: 200 }), duration, (setting, samples, laterMs) => {
        const times = new ServiceTimes(setting);
        const nowMs = replay(times, samples) + laterMs;
        const seen = samples.map((one) => one.ms).concat(setting.expectedMs ?? 0);
        const [p50, p90, meanMs] = estimates(times, nowMs);
        expect(p50).toBeLessThanOrEqual(p90);
        expect(p90).toBeLessThanOrEqual(Math.max(...seen) * (1 + RELATIVE_ERROR));
        expect(p50).toBeGreaterThanOrEqual(Math.min(...seen) * (1 - RELATIVE_ERROR));
        expect(meanMs).toBeLessThanOrEqual(Math.max(...seen) * (1 + RELATIVE_ERROR));
      }),
    );
  });

  it('property: the same inputs give the same estimates', () => {
    fc.assert(
      fc.property(options, fc.array(sample, { maxLength: 100 }), (setting, samples) => {
        const run = (): unknown => {
          const times = new ServiceTimes(setting);
          return estimates(times, replay(times, samples));
        };
        expect(run()).toEqual(run());
      }),
    );
  });
});
