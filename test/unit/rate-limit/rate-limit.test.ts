import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../../src/rate-limit/rate-limit.js';
import { remaining } from '../../support/quota.js';

const ENDPOINT = { refillPerSecond: 10, burst: 4 };
const CALLER = { refillPerSecond: 2, burst: 2, maxKeys: 3 };
const KEYS = ['ada', 'bob', 'cyd', 'dan', 'eve'] as const;

const call = fc.record({
  stepMs: fc.oneof(fc.constant(0), fc.double({ min: -50, max: 400, noNaN: true })),
  key: fc.constantFrom(undefined, ...KEYS),
  cost: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 5, noNaN: true })),
});
const calls = fc.array(call, { maxLength: 150 });

/** Everything that a caller can see of the quotas. */
function quotas(rates: RateLimit, nowMs: number): unknown {
  return [rates.endpointLevel(nowMs), ...KEYS.map((key) => rates.callerLevel(nowMs, key))];
}

describe('RateLimit', () => {
  it('charges the endpoint and the caller', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    expect(rates.take(0, 'ada', 1)).toBeUndefined();
    expect(rates.take(0, 'bob', 1)).toBeUndefined();
    expect([remaining(rates, 0, 'ada'), remaining(rates, 0, 'cyd'), remaining(rates, 0, undefined)]).toEqual([1, 2, 2]);
    expect(rates.callers).toBe(2);
  });

  it('names the bucket that is short, and how long until it can pay', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    rates.take(0, 'ada', 2);
    expect(rates.take(0, 'ada', 1)).toEqual({ scope: 'caller', retryAfterMs: 500, refillPerSecond: 2, burst: 2 });
    rates.take(0, 'bob', 2);
    expect(rates.take(0, 'cyd', 1)).toEqual({ scope: 'endpoint', retryAfterMs: 100, refillPerSecond: 10, burst: 4 });
    expect(rates.take(0, undefined, 1)?.scope).toBe('endpoint');
    // Both are short: the one that makes this caller wait longest.
    expect(rates.take(0, 'ada', 1)).toMatchObject({ scope: 'caller', retryAfterMs: 500 });
  });

  it('blames no newcomer for what newcomers share while others are busy', () => {
    const rates = new RateLimit({ perCaller: { ...CALLER, maxKeys: 2 } });
    for (const busy of ['ada', 'bob']) rates.take(0, busy, 2);
    expect(rates.take(0, 'ada', 1)?.scope).toBe('caller');
    for (const invented of ['x1', 'x2']) expect(rates.take(0, invented, 1)).toBeUndefined();
    expect(rates.take(0, 'cyd', 1)).toMatchObject({ scope: 'newcomers', retryAfterMs: 500 });
    // The buckets of the two are full again: a newcomer has one of its own.
    expect(rates.take(1_000, 'cyd', 3)?.scope).toBe('caller');
  });

  it('says that waiting is in vain when the cost exceeds a burst', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    expect(rates.take(0, 'ada', 3)).toMatchObject({ scope: 'caller', retryAfterMs: Number.POSITIVE_INFINITY });
    expect(rates.take(0, undefined, 5)).toMatchObject({ scope: 'endpoint', retryAfterMs: Number.POSITIVE_INFINITY });
    expect(rates.callers).toBe(0);
  });

  it('charges nobody when one of the two is short', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    rates.take(0, 'ada', 2);
    expect(rates.take(0, 'ada', 1)?.scope).toBe('caller');
    expect(remaining(rates, 0, undefined)).toBe(2);
    rates.take(0, undefined, 2);
    expect(rates.take(0, 'bob', 1)?.scope).toBe('endpoint');
    expect(remaining(rates, 1_000, 'bob')).toBe(2);
    expect(rates.callers).toBe(1);
  });

  it('gives everything back that a request took and did not use', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    rates.take(0, 'ada', 2);
    rates.refund(0, 'ada', 2);
    expect([remaining(rates, 0, 'ada'), remaining(rates, 0, undefined)]).toEqual([2, 4]);
    rates.take(0, undefined, 3);
    rates.refund(0, undefined, 3);
    expect(remaining(rates, 0, undefined)).toBe(4);
  });

  it('tells what is left in each bucket, and when there will be more', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    expect(rates.endpointLevel(0)).toEqual({ remaining: 4, untilMoreMs: 0 });
    expect(rates.callerLevel(0, 'ada')).toEqual({ remaining: 2, untilMoreMs: 0 });
    rates.take(0, 'ada', 2);
    expect(rates.callerLevel(0, 'ada')).toEqual({ remaining: 0, untilMoreMs: 500 });
    expect(rates.callerLevel(100, 'ada')?.untilMoreMs).toBeCloseTo(400, 6);
    expect(rates.callerLevel(0, 'bob')).toEqual({ remaining: 2, untilMoreMs: 0 });
    expect(rates.endpointLevel(0)).toEqual({ remaining: 2, untilMoreMs: 100 });
    expect(rates.callerLevel(0, undefined)).toBeUndefined();
  });

  it('works with either bucket alone, and with none', () => {
    const callersOnly = new RateLimit({ perCaller: CALLER });
    expect(callersOnly.take(0, 'ada', 2)).toBeUndefined();
    expect(callersOnly.take(0, 'ada', 1)?.scope).toBe('caller');
    expect(callersOnly.take(0, undefined, 100)).toBeUndefined();
    const endpointOnly = new RateLimit({ endpoint: ENDPOINT });
    expect(endpointOnly.take(0, 'ada', 4)).toBeUndefined();
    expect(endpointOnly.take(0, 'bob', 1)?.scope).toBe('endpoint');
    const none = new RateLimit({});
    expect(none.take(0, 'ada', 1e9)).toBeUndefined();
    expect([none.endpointLevel(0), none.callerLevel(0, 'ada'), none.callers]).toEqual([undefined, undefined, 0]);
  });

  it('refuses a senseless cost before it charges anybody', () => {
    const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
    expect(() => rates.take(0, 'ada', -1)).toThrow(/cost is -1/);
    expect(() => new RateLimit({ perCaller: CALLER }).take(0, 'ada', Number.NaN)).toThrow(/cost is NaN/);
    expect(remaining(rates, 0, undefined)).toBe(4);
  });

  it('property: a shed request changes no quota', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
        let nowMs = 0;
        for (const { stepMs, key, cost } of sequence) {
          nowMs += stepMs;
          const before = quotas(rates, nowMs);
          if (rates.take(nowMs, key, cost) === undefined) continue;
          expect(quotas(rates, nowMs)).toEqual(before);
        }
      }),
    );
  });

  it('property: all pass, or none is charged', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
        let nowMs = 0;
        const firstMs = sequence[0]?.stepMs ?? 0;
        let latestMs = firstMs;
        let given = 0;
        for (const { stepMs, key, cost } of sequence) {
          nowMs += stepMs;
          latestMs = Math.max(latestMs, nowMs);
          const mayHave = remaining(rates, nowMs, key);
          const shed = rates.take(nowMs, key, cost);
          if (shed === undefined) given += cost;
          // Whole tokens that are shown as left are there, and one more than shown is not.
          if (cost <= mayHave - 0.001) expect(shed).toBeUndefined();
          if (cost >= mayHave + 1) expect(shed).toBeDefined();
          const most = ENDPOINT.burst + (ENDPOINT.refillPerSecond * (latestMs - firstMs)) / 1000;
          expect(given).toBeLessThanOrEqual(most + 1e-6);
        }
      }),
    );
  });

  it('property: the same inputs give the same decisions', () => {
    fc.assert(
      fc.property(calls, (sequence) => {
        const run = (): unknown => {
          const rates = new RateLimit({ endpoint: ENDPOINT, perCaller: CALLER });
          let nowMs = 0;
          return sequence.map(({ stepMs, key, cost }) => {
            nowMs += stepMs;
            return rates.take(nowMs, key, cost) ?? 'taken';
          });
        };
        expect(run()).toEqual(run());
      }),
    );
  });
});
