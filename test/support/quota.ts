import type { RateLimit } from '../../src/rate-limit/rate-limit.js';

/** Whole tokens left for this caller: the least of its buckets. `Infinity` without a rate limit. */
export function remaining(rates: RateLimit, nowMs: number, callerKey: string | undefined): number {
  const levels = [rates.endpointLevel(nowMs), rates.callerLevel(nowMs, callerKey)];
  return Math.min(...levels.map((level) => level?.remaining ?? Number.POSITIVE_INFINITY));
}
