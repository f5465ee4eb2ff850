import { describe, expect, it } from 'vitest';
import { type SeatUse, seatHogs } from '../../../src/core/seat-hogs.js';

const use = (route: string, requests: number, meanMs: number, pool: string | undefined = 'main'): SeatUse => ({
  route,
  pool,
  requests,
  heldMs: requests * meanMs,
});

describe('the routes that hold seats out of proportion', () => {
  it('names one hundredth of the requests that holds six tenths of the time', () => {
    const [hog, ...others] = seatHogs([use('checkout', 990, 10), use('export', 10, 1_485)]);
    expect(others).toEqual([]);
    expect(hog).toMatchObject({ route: 'export', pool: 'main', requestShare: 0.01, meanHoldMs: 1_485 });
    expect(hog?.seatTimeShare).toBeCloseTo(0.6);
  });

  const cases: readonly (readonly [what: string, uses: SeatUse[], hogs: string[]])[] = [
    ['equal routes', [use('a', 500, 20), use('b', 500, 20)], []],
    ['one that is slow and common', [use('a', 500, 10), use('b', 500, 90)], []],
    ['one that is slow and rare, and takes little', [use('a', 1_000, 10), use('b', 1, 1_000)], []],
    ['one that takes a fifth', [use('a', 1_000, 8), use('b', 20, 100)], ['b']],
    ['one alone on its pool', [use('a', 1_000, 900)], []],
    ['too few requests', [use('a', 90, 1), use('b', 2, 1_000)], []],
    ['none that have ended', [use('a', 0, 0), use('b', 0, 0)], []],
    ['requests that took no time', [use('a', 500, 0), use('b', 1, 0)], []],
    ['others on another pool', [use('a', 1_000, 1), use('b', 10, 1_000, 'batch')], []],
    [
      'no pool',
      [
        { ...use('a', 1_000, 1), pool: undefined },
        { ...use('b', 10, 1_000), pool: undefined },
      ],
      [],
    ],
    ['two, the worse first', [use('a', 1_000, 1), use('b', 5, 400), use('c', 5, 800)], ['c', 'b']],
  ];
  it.each(cases)('%s', (_what, uses, hogs) => {
    expect(seatHogs(uses).map(({ route }) => route)).toEqual(hogs);
  });
});
