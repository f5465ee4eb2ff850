import { describe, expect, it } from 'vitest';
import { Patience } from '../../../src/pools/patience.js';

const busy = { size: 5, between: 0 };

describe('the patience with a line of borrowers', () => {
  it('leaves a surge to the sessions in use for a quarter of a connect', () => {
    const patience = new Patience();
    for (let waiting = 1; waiting <= 45; waiting += 1) patience.waits(1_000, waiting, 80);
    expect([1_000, 1_019, 1_020, 1_500].map((nowMs) => patience.helpless(nowMs, 45, busy))).toEqual([0, 0, 45, 45]);
    expect(patience.endsAtMs(1_000)).toBe(1_020);
  });

  it('has a bound however slow connects are, and none where they cost nothing', () => {
    const slow = new Patience();
    slow.waits(0, 1, 5_000);
    expect([slow.helpless(39, 1, busy), slow.helpless(40, 1, busy)]).toEqual([0, 1]);
    const quick = new Patience();
    quick.waits(0, 1, 0);
    expect(quick.helpless(0, 1, busy)).toBe(1);
  });

  it('does not wait for sessions that are not there', () => {
    const patience = new Patience();
    patience.waits(0, 1, 5_000);
    expect(patience.helpless(0, 1, { size: 0, between: 0 })).toBe(1);
  });

  it('is spent on the first line: borrowers that keep having to wait need more sessions', () => {
    const patience = new Patience();
    patience.waits(0, 1, 80);
    patience.waits(900, 1, 80);
    expect(patience.helpless(900, 1, busy)).toBe(1);
    patience.waits(1_800, 1, 80);
    expect(patience.helpless(1_800, 1, busy)).toBe(1);
    patience.waits(2_801, 1, 80);
    expect(patience.helpless(2_801, 1, busy)).toBe(0);
  });

  it('counts on sessions that are on their way back, for a moment, in each line', () => {
    const patience = new Patience();
    patience.waits(0, 1, 0);
    patience.waits(500, 1, 0);
    patience.waits(500, 2, 0);
    patience.waits(501, 3, 0);
    const some = { size: 5, between: 2 };
    expect([501, 509, 510].map((nowMs) => patience.helpless(nowMs, 3, some))).toEqual([1, 1, 3]);
    expect(patience.endsAtMs(501)).toBe(510);
  });
});
