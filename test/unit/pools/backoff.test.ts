import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/pools/backoff.js';

describe('Backoff', () => {
  it('waits twice as long after each failure, up to the cap', () => {
    const backoff = new Backoff(() => 0);
    const waits = Array.from({ length: 6 }, () => {
      backoff.fail(1_000, 250);
      return backoff.notBeforeMs - 1_000;
    });
    expect(waits).toEqual([20, 40, 80, 160, 250, 250]);
    expect(backoff.failing).toBe(true);
  });

  it('shortens each wait by up to a half at random', () => {
    const backoff = new Backoff(() => 0.999_999);
    for (let i = 0; i < 10; i += 1) backoff.fail(0, 250);
    expect(backoff.notBeforeMs).toBeCloseTo(125, 2);
  });

  it('starts afresh after a success', () => {
    const backoff = new Backoff(() => 0);
    backoff.fail(0, 250);
    backoff.fail(0, 250);
    backoff.succeed();
    expect([backoff.failing, backoff.notBeforeMs]).toEqual([false, Number.NEGATIVE_INFINITY]);
    backoff.fail(0, 250);
    expect(backoff.notBeforeMs).toBe(20);
  });

  it('leaves a server that just went away a moment, and forgets it once a session answers', () => {
    const backoff = new Backoff(() => 0);
    backoff.settle(100);
    expect(backoff.notBeforeMs).toBe(120);
    backoff.relax();
    expect(backoff.notBeforeMs).toBe(Number.NEGATIVE_INFINITY);
  });

  it('keeps the wait after failed attempts although a session answers', () => {
    const backoff = new Backoff(() => 0);
    backoff.fail(0, 1_000);
    backoff.fail(0, 1_000);
    backoff.settle(0);
    backoff.relax();
    expect(backoff.notBeforeMs).toBe(40);
  });

  it('does not overflow in an outage of days', () => {
    const backoff = new Backoff(() => 0);
    for (let i = 0; i < 5_000; i += 1) backoff.fail(0, 250);
    expect(backoff.notBeforeMs).toBe(250);
  });
});
