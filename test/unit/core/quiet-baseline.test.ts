import { describe, expect, it } from 'vitest';
import { QuietBaseline } from '../../../src/core/quiet-baseline.js';

const fill = (baseline: QuietBaseline, batches: number, ms: () => number): void => {
  for (let count = 0; count < batches * 16; count++) baseline.record(ms());
};

describe('a quiet baseline', () => {
  it('is the quantile of its first batch', () => {
    const baseline = new QuietBaseline({ part: 0.9, batch: 10 });
    for (const ms of [10, 1, 9, 2, 8, 3, 7, 4, 6]) baseline.record(ms);
    expect(baseline.ms).toBeUndefined();
    baseline.record(5);
    expect(baseline.ms).toBe(9);
  });

  it('falls fast and rises slowly', () => {
    const baseline = new QuietBaseline({ part: 0.9, batch: 16 });
    fill(baseline, 1, () => 100);
    fill(baseline, 1, () => 20);
    expect(baseline.ms).toBe(60);
    fill(baseline, 1, () => 220);
    expect(baseline.ms).toBe(70);
    fill(baseline, 6, () => 10);
    expect(baseline.ms).toBeLessThan(11);
  });

  it('is not pulled down by single fast ones, nor up by single slow ones', () => {
    const baseline = new QuietBaseline({ part: 0.9, batch: 16 });
    let count = 0;
    fill(baseline, 100, () => (++count % 16 === 0 ? 0 : 50));
    expect(baseline.ms).toBe(50);
    fill(baseline, 100, () => (++count % 16 === 0 ? 5_000 : 50));
    expect(baseline.ms).toBe(50);
  });

  it('ignores what is no time, and refuses settings that mean nothing', () => {
    const baseline = new QuietBaseline({ part: 1, batch: 2 });
    for (const ms of [Number.NaN, -1, 3, Number.NaN, 4]) baseline.record(ms);
    expect(baseline.ms).toBe(4);
    expect(() => new QuietBaseline({ part: 0, batch: 2 })).toThrow(/part is 0/);
    expect(() => new QuietBaseline({ part: 0.5, batch: 1.5 })).toThrow(/batch is 1.5/);
  });
});
