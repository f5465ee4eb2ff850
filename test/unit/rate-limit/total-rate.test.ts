import { describe, expect, it } from 'vitest';
import type { PriorityRank } from '../../../src/core/priority.js';
import { TokenBucket } from '../../../src/core/token-bucket.js';
import { RateLimit } from '../../../src/rate-limit/rate-limit.js';
import { TotalRate } from '../../../src/rate-limit/total-rate.js';
import { remaining } from '../../support/quota.js';

const RANKS: readonly PriorityRank[] = [0, 1, 2, 3];

function drain(rates: RateLimit, nowMs: number, rank: PriorityRank): number {
  let count = 0;
  while (rates.take(nowMs, undefined, 1, rank) === undefined) count += 1;
  return count;
}

describe('a bucket of all routes', () => {
  it('keeps its last tokens for the classes above', () => {
    const taken = RANKS.map((rank) => {
      const total = new TotalRate(new TokenBucket(10, 20));
      return drain(new RateLimit({ total }), 0, rank);
    });
    expect(taken).toEqual([20, 18, 14, 10]);
  });

  it('is shared: what reports leave, checkouts get', () => {
    const total = new TotalRate(new TokenBucket(10, 20));
    const [checkouts, reports] = [new RateLimit({ total }), new RateLimit({ total })];
    expect(drain(reports, 0, 3)).toBe(10);
    expect(reports.take(0, undefined, 1, 3)).toEqual({
      scope: 'gateway',
      retryAfterMs: 100,
      refillPerSecond: 10,
      burst: 20,
    });
    expect(drain(checkouts, 0, 0)).toBe(10);
    // Until more than what is kept for others is there.
    expect(reports.take(0, undefined, 1, 3)?.retryAfterMs).toBeCloseTo(1_100, 6);
    expect(checkouts.take(0, undefined, 1, 0)?.retryAfterMs).toBeCloseTo(100, 6);
  });

  it('serves every class as long as it is full, however small it is', () => {
    for (const rank of RANKS) {
      const rates = new RateLimit({ total: new TotalRate(new TokenBucket(1, 1)) });
      expect(drain(rates, 0, rank)).toBe(1);
    }
  });

  it('is charged together with the others, or not at all', () => {
    const bucket = new TokenBucket(1, 5);
    const rates = new RateLimit({ endpoint: { refillPerSecond: 1, burst: 2 }, total: new TotalRate(bucket) });
    expect(drain(rates, 0, 0)).toBe(2);
    expect([rates.take(0, undefined, 1, 0)?.scope, bucket.tokens(0)]).toEqual(['endpoint', 3]);
    rates.refund(0, undefined, 1);
    expect([remaining(rates, 0, undefined), bucket.tokens(0)]).toEqual([1, 4]);
    bucket.take(0, 4);
    expect([rates.take(0, undefined, 1, 0)?.scope, remaining(rates, 0, undefined)]).toEqual(['gateway', 1]);
  });
});
