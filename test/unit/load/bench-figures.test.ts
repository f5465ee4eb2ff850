import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/options.js';
import { type Check, passes } from '../../bench/section.js';
import { figuresOf } from '../../bench/sections/outage-figures.js';
import { showSpread, spreadOf } from '../../bench/support/statistics.js';
import { renderTable } from '../../load/table.js';

describe('spreadOf', () => {
  const rows: [number[], number][] = [
    [[5], 5],
    [[3, 1, 2], 2],
    [[10, 1, 2, 3], 2.5],
  ];
  for (const [values, median] of rows) {
    it(`of ${values.join(', ')} has the median ${median}`, () => {
      const spread = spreadOf(values);
      expect(spread).toEqual({ median, min: Math.min(...values), max: Math.max(...values), values });
    });
  }

  it('shows its range only where there is one, and needs a value', () => {
    expect(showSpread(spreadOf([5.25]), 1)).toBe('5.3');
    expect(showSpread(spreadOf([1, 9, 5]))).toBe('5 (1–9)');
    expect(() => spreadOf([])).toThrow(/at least one/);
  });
});

describe('a bar', () => {
  const check = (kind: Check['kind'], value: number): Check => ({ text: '', value, bound: 10, kind, unit: '' });
  it('is reached on its bound, and missed beyond', () => {
    expect(passes(check('at least', 10))).toBe(true);
    expect(passes(check('at least', 9.99))).toBe(false);
    expect(passes(check('at most', 10))).toBe(true);
    expect(passes(check('at most', 10.01))).toBe(false);
    // A figure that could not be computed reaches nothing.
    expect(passes(check('at most', Number.NaN))).toBe(false);
  });
});

describe('renderTable', () => {
  it('aligns names left and figures right', () => {
    const text = renderTable({
      title: 'T',
      columns: ['', 'n'],
      rows: [
        ['alone', '7'],
        ['b', '1,000'],
      ],
    });
    expect(text.split('\n')).toEqual(['T', '', '           n', '────────────', 'alone      7', 'b      1,000', '']);
    expect(
      renderTable({
        title: 'T',
        columns: ['', 'set'],
        rows: [
          ['alone', 'a 1'],
          ['b', 'none'],
        ],
      }),
    ).toContain('alone  a 1\n');
  });
});

describe('figuresOf an outage', () => {
  // The run starts at 1,000; the server is told to stop at 3,000, is gone at 3,020 and accepts again at 4,600.
  const times = { stoppingAtMs: 3_000, goneAtMs: 3_020, acceptingAtMs: 4_600 };
  const calls: [intendedMs: number, latencyMs: number, status: number, code: string][] = [
    [500, 20, 201, ''], // long before
    [1_990, 40, 503, 'connection_lost'], // in flight
    [2_005, 18, 201, ''], // sent between the order and the end, served
    [2_010, 15, 504, 'connection_lost'], // in flight as well
    [2_500, 1_200, 201, ''], // waited for the return: it ended at 4,700
    [2_600, 1_150, 201, ''], // likewise: 4,750
    [3_000, 5, 503, 'database_unavailable'], // sent at 4,000, failed while away
    [4_000, 25, 201, ''], // long after
    [4_500, 3_000, 0, 'timeout'],
  ];
  const column = <Index extends 0 | 1 | 2 | 3>(index: Index): (typeof calls)[number][Index][] =>
    calls.map((call) => call[index]);
  const events = { intendedMs: column(0), latencyMs: column(1), status: column(2), code: column(3) };

  it('tells requests in flight from those that came later, and finds the first success', () => {
    expect(figuresOf(events, 1_000, times)).toEqual({
      awayMs: 1_600,
      open: 3,
      failed: 4,
      failedBy: { '503 connection_lost': 1, '504 connection_lost': 1, '503 database_unavailable': 1, '0 timeout': 1 },
      failedLater: 2,
      waited: 3,
      firstSuccessMs: 100,
    });
  });

  it('has no first success where there was none', () => {
    const none = { intendedMs: [2_500], latencyMs: [10], status: [503], code: ['database_unavailable'] };
    expect(figuresOf(none, 1_000, times).firstSuccessMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('readOptions', () => {
  const names = ['goodput', 'raw', 'micro'];

  it('runs everything three times by default, and quickly once', () => {
    expect(readOptions([], names)).toEqual({ help: false, only: names, quick: false, repeats: 3, seed: 1 });
    expect(readOptions(['--quick'], names)).toMatchObject({ quick: true, repeats: 1 });
  });

  it('keeps the order of the sections, however they are named', () => {
    expect(readOptions(['--only', 'micro,goodput', '--repeats', '3', '--seed=9'], names)).toMatchObject({
      only: ['goodput', 'micro'],
      repeats: 3,
      seed: 9,
    });
  });

  it('says what is wrong', () => {
    expect(() => readOptions(['--only', 'speed'], names)).toThrow('the sections are goodput, raw, micro');
    expect(() => readOptions(['--repeats', '0'], names)).toThrow(/--repeats .* from 1 to 50, it is "0"/);
    expect(() => readOptions(['--seed', 'x'], names)).toThrow(/--seed/);
    expect(() => readOptions(['--fast'], names)).toThrow(/fast/);
  });
});
