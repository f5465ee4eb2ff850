import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffAfter, retryPlan } from '../../../src/gateway/retry-options.js';

describe('how a transaction is tried again', () => {
  it('is said by true, or by numbers', () => {
    expect([undefined, false].map(retryPlan)).toEqual([undefined, undefined]);
    expect(retryPlan(true)).toEqual({ attempts: 3, backoffMs: 20 });
    expect(retryPlan({ attempts: 5 })).toEqual({ attempts: 5, backoffMs: 20 });
  });

  it.each([
    [{ attempts: 1 }, 'retry.attempts is 1: give a whole number of at least 2 and at most 10'],
    [{ attempts: 2.5 }, 'retry.attempts is 2.5'],
    [{ backoffMs: 0 }, 'retry.backoffMs is 0'],
    [{ backoffMs: Number.NaN }, 'retry.backoffMs is NaN'],
  ])('refuses %o', (retry, message) => {
    expect(() => retryPlan(retry)).toThrow(message);
  });

  it.each([
    [null, 'retry is null: use true, false or an object with attempts and backoffMs, or leave it out'],
    [0, 'retry is 0: use true,'],
    [-1, 'retry is -1: use true,'],
    ['yes', 'retry is "yes": use true,'],
    [[3], 'retry is an array: use true,'],
    [() => true, 'retry is a function: use true,'],
    [{ foo: 1 }, 'retry has "foo", which nobody reads: use "attempts" or "backoffMs"'],
    [{ attempt: 5 }, 'retry has "attempt", which nobody reads: use "attempts"'],
  ])('refuses %j, which code without types may say', (retry, message) => {
    const given = retry as Parameters<typeof retryPlan>[0];
    expect(() => retryPlan(given)).toThrow(TypeError);
    expect(() => retryPlan(given)).toThrow(message);
  });

  it('waits up to twice as long after each try, up to a second', () => {
    const most = (tries: number, backoffMs: number): number => backoffAfter(tries, { attempts: 10, backoffMs }, 1);
    expect([1, 2, 3, 6, 7, 9].map((tries) => most(tries, 20))).toEqual([20, 40, 80, 640, 1_000, 1_000]);
    // A longer wait that somebody asked for is not cut.
    expect([1, 2].map((tries) => most(tries, 5_000))).toEqual([5_000, 5_000]);
  });

  it('property: the wait is drawn from the whole range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (tries, drawn) => {
        const plan = { attempts: 10, backoffMs: 20 };
        expect(backoffAfter(tries, plan, drawn)).toBeCloseTo(drawn * backoffAfter(tries, plan, 1), 9);
      }),
    );
  });
});
