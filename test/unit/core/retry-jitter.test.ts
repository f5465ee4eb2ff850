import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITY_RANKS, type PriorityRank } from '../../../src/core/priority.js';
import { retryAfterSeconds, spreadRetryMs } from '../../../src/core/retry-jitter.js';
import type { ErrorCode } from '../../../src/errors.js';

const ALMOST = 1 - 2 ** -53;

describe('how long a client is told to stay away', () => {
  it.each<[ErrorCode, PriorityRank, least: number, most: number]>([
    ['queue_full', 0, 750, 1_250],
    ['queue_full', 1, 938, 1_563],
    ['deadline_unreachable', 2, 1_125, 1_875],
    ['overloaded', 3, 1_500, 2_500],
    // Before its instant a try is in vain.
    ['breaker_open', 0, 1_000, 1_250],
    ['breaker_open', 3, 2_000, 2_500],
    // A bucket holds the same for all.
    ['rate_limited', 0, 1_000, 1_250],
    ['rate_limited', 3, 1_000, 1_250],
    // A time of day, to which it may be hours.
    ['outside_window', 3, 1_000, 61_000],
  ])('%s in class %d: a second becomes %d to %d ms', (code, rank, least, most) => {
    expect(spreadRetryMs(code, 1_000, rank, 0)).toBe(least);
    expect(spreadRetryMs(code, 1_000, rank, ALMOST)).toBe(most);
  });

  it('spreads those, too, that would be served at once by what is predicted', () => {
    expect(spreadRetryMs('deadline_unreachable', 0, 0, 0)).toBe(75);
    expect(spreadRetryMs('queue_full', 3, 3, ALMOST)).toBe(250);
    expect(spreadRetryMs('breaker_open', 3, 0, 0)).toBe(3);
    // Its instant has come, and the circuit has not heard of that yet.
    expect(spreadRetryMs('breaker_open', 0, 0, 0)).toBe(1);
  });

  it('predicts nothing beyond an hour, and tells the time of what is known', () => {
    for (const rank of PRIORITY_RANKS) {
      expect(spreadRetryMs('queue_full', 11_429_000, rank, 0.5)).toBe(3_600_000);
      expect(spreadRetryMs('rate_limited', 11_429_000, rank, 0)).toBe(11_429_000);
    }
  });

  it('property: with the same draw a more important class is never told more, and nobody to be back at once', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ErrorCode>('queue_full', 'displaced', 'rate_limited', 'breaker_open', 'database_unavailable'),
        fc.double({ min: -1_000, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: ALMOST, noNaN: true }),
        (code, waitMs, drawn) => {
          const told = PRIORITY_RANKS.map((rank) => spreadRetryMs(code, waitMs, rank, drawn));
          expect(told).toEqual(told.toSorted((a, b) => a - b));
          for (const ms of told) expect(ms).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  it('spreads evenly: each tenth of the range gets a tenth of the clients', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n++) {
      const ms = spreadRetryMs('queue_full', 10_000, 0, n / 10_000);
      const tenth = Math.min(9, Math.floor((ms - 7_500) / 500));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(5);
  });

  it.each([
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [59_999.5, 60],
  ])('%d ms is Retry-After: %d', (ms, seconds) => {
    expect(retryAfterSeconds(ms)).toBe(seconds);
  });
});
