import { describe, expect, it } from 'vitest';
import { limitStepMs, MAX_LIMIT_MS, wholeLimitMs } from '../../../src/pools/limit-steps.js';

describe('limitStepMs', () => {
  it.each([
    [0.2, 100],
    [1, 100],
    [100, 100],
    [100.01, 200],
    [201, 500],
    [500, 500],
    [1_999, 2_000],
    [10_001, 30_000],
    [60_001, 120_000],
    [3_600_000, 3_600_000],
    [3_600_001, 7_200_000],
    [Number.MAX_SAFE_INTEGER, MAX_LIMIT_MS],
    [Number.POSITIVE_INFINITY, MAX_LIMIT_MS],
    [0, 100],
    [-5, 100],
    [Number.NaN, 100],
  ])('rounds %d ms up to %d', (limitMs, step) => {
    expect(limitStepMs(limitMs)).toBe(step);
  });

  it('never allows less than asked, nor more than three times as much', () => {
    for (let limitMs = 100; limitMs < 3_600_000; limitMs = limitMs * 1.01 + 0.1) {
      expect(limitStepMs(limitMs)).toBeGreaterThanOrEqual(limitMs);
      expect(limitStepMs(limitMs)).toBeLessThanOrEqual(limitMs * 3);
    }
  });
});

describe('wholeLimitMs', () => {
  it.each([
    [333.4, 334],
    [7, 7],
    [0.1, 1],
    [0, 1],
    [Number.NaN, 1],
    [1e12, MAX_LIMIT_MS],
  ])('takes %d ms as %d', (limitMs, whole) => {
    expect(wholeLimitMs(limitMs)).toBe(whole);
  });
});
