import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideShare, fairShare } from '../../../src/core/budget-share.js';

describe('what one of several gets', () => {
  it.each([
    ['all that he wishes where there is enough', 100, 30, [30, 30], 30],
    ['an equal part where there is not', 87, 30, [30, 30], 29],
    ['what the modest leave', 30, 20, [2, 20], 14],
    ['no more than he wishes', 30, 2, [20, 20], 2],
    ['nothing of nothing', 0, 5, [5], 0],
    ['nothing where there is not one for each', 3, 5, [5, 5, 5], 0],
  ])('is %s', (_, whole, wish, others, expected) => {
    expect(fairShare(whole, wish, others)).toBe(expected);
  });

  it('never adds up to more than the whole, whoever asks', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.array(fc.nat(40), { minLength: 1, maxLength: 9 }), (whole, wishes) => {
        const shares = wishes.map((wish, index) => fairShare(whole, wish, wishes.toSpliced(index, 1)));
        expect(shares.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(whole);
        for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(wishes[index] ?? 0);
      }),
    );
  });
});

const POOLS = [
  { name: 'checkout', max: 16, admin: false },
  { name: 'catalog', max: 8, admin: false },
  { name: 'reports', max: 4, admin: false },
  { name: 'admin', max: 2, admin: true },
];

describe('the parts of the pools', () => {
  it.each([
    [30, [16, 8, 4, 2]],
    [99, [16, 8, 4, 2]],
    [17, [9, 4, 2, 2]],
    [4, [1, 1, 1, 1]],
    [2, [1, 0, 0, 1]],
    [1, [0, 0, 0, 1]],
    [0, [0, 0, 0, 0]],
  ])('of %i connections', (share, parts) => {
    expect([...divideShare(POOLS, share).values()]).toEqual(parts);
  });

  it('give out all there is, nobody more than he may have, and one to each before anybody has two', () => {
    const pools = fc.array(fc.record({ max: fc.integer({ min: 1, max: 30 }), admin: fc.boolean() }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(pools, fc.nat(300), (made, share) => {
        const named = made.map((pool, index) => ({ ...pool, name: String(index) }));
        const parts = [...divideShare(named, share).values()];
        const most = named.reduce((sum, { max }) => sum + max, 0);
        expect(parts.reduce((sum, one) => sum + one, 0)).toBe(Math.min(share, most));
        for (const [index, part] of parts.entries()) expect(part).toBeLessThanOrEqual(named[index]?.max ?? 0);
        if (Math.max(...parts) > 1) expect(Math.min(...parts)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
