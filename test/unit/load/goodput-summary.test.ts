import { describe, expect, it } from 'vitest';
import { RIVALS } from '../../bench/rivals/names.js';
import { passes } from '../../bench/section.js';
import { goodputChart } from '../../bench/sections/goodput-chart.js';
import { type Contender, type GoodputData, type GoodputRun, summarise } from '../../bench/sections/goodput-summary.js';
import type { StreamPlan } from '../../load/plan.js';
import { Tally } from '../../load/tally.js';

const stream: StreamPlan = {
  name: 'checkout',
  method: 'POST',
  path: '/checkout',
  arrivals: { kind: 'poisson', ratePerSecond: 1 },
  deadlineMs: 500,
  unansweredAfterMs: 2_000,
};

/** A run with so many good answers, refusals after so long, and so many requests without an answer, in one second. */
function run(
  contender: Contender,
  factor: number,
  repeat: number,
  good: number,
  refusedMs = 10,
  unanswered = 0,
): GoodputRun {
  const tally = new Tally(stream, { fromMs: 0, toMs: 1_000 });
  for (let index = 0; index < good; index += 1) tally.answered(0, 20, 201, '');
  for (let index = 0; index < unanswered; index += 1) {
    tally.offered(500);
    tally.unanswered(500, 2_500, 'timeout');
  }
  tally.answered(0, refusedMs, 503, 'queue_full');
  return {
    contender,
    factor,
    repeat,
    ratePerSecond: 100 * factor,
    checkout: tally.result(),
    reportsPerSecond: 4,
    generatorCpu: 0,
  };
}

function dataOf(own: (factor: number, repeat: number) => GoodputRun): GoodputData {
  const runs = [2, 5, 10].flatMap((factor) =>
    [0, 1, 2].flatMap((repeat) => [own(factor, repeat), ...RIVALS.map((rival) => run(rival, factor, repeat, 60))]),
  );
  // The machine slows down from repeat to repeat: the same goodput is a larger share of what it can do then.
  const capacities = [100, 90, 80].map((each) => ({ alone: 110, before: each + 5, after: each - 5 }));
  return { callers: 24, capacities, tunings: { glue: { queueConcurrency: 16 } }, runs };
}

describe('the summary of goodput', () => {
  it('compares each run with the capacity of its own repeat and takes the median', () => {
    const [share2, share5, share10, over2] = summarise(
      dataOf((factor, repeat) => run('sluice', factor, repeat, 81)),
    ).checks;
    expect(share2?.value).toBeCloseTo(0.9, 6);
    expect(share2 !== undefined && passes(share2)).toBe(false);
    expect(share5 !== undefined && passes(share5)).toBe(true);
    expect(share10 !== undefined && passes(share10)).toBe(true);
    expect(over2?.value).toBeCloseTo(81 / 60, 6);
  });

  it('counts one unanswered request as one too many, and looks at the slowest refusals', () => {
    const data = dataOf((factor, repeat) =>
      run('sluice', factor, repeat, 99, 101, factor === 5 && repeat === 1 ? 1 : 0),
    );
    const missed = summarise(data).checks.filter((check) => !passes(check));
    expect(missed.map(({ text, value }) => [text, value])).toEqual([
      ['checkouts that Sluice left unanswered, in all runs', 1],
      ['refusals of Sluice at 2 times the capacity, p99', 101],
    ]);
  });

  it('shows every contender with its setting', () => {
    const { tables } = summarise(dataOf((factor, repeat) => run('sluice', factor, repeat, 99)));
    expect(tables.map(({ rows }) => rows.length)).toEqual([2, 6, 6, 2, 6]);
    expect(tables[1]?.rows[0]?.slice(0, 3)).toEqual(['Sluice', '99 (99–99)', '110 %']);
    expect(tables[4]?.rows.find(([name]) => name?.includes('opossum'))?.[1]).toBe('queueConcurrency 16');
  });

  it('says where the database is, and shows only who was run', () => {
    const runs = [2, 5].flatMap((factor) => [0, 1].map((repeat) => run('sluice', factor, repeat, 95)));
    const capacities = [100, 100].map((each) => ({ before: each, after: each }));
    const { tables, checks } = summarise({ callers: 24, capacities, tunings: {}, runs }, ' on MariaDB');
    expect(tables.map(({ rows }) => rows.length)).toEqual([1, 1, 1]);
    expect(tables.map(({ title }) => title)).toEqual([
      'What there is to give on MariaDB',
      expect.stringMatching(/^2 times the capacity on MariaDB: /),
      expect.stringMatching(/^5 times the capacity on MariaDB: /),
    ]);
    expect(checks.map(({ bound }) => bound)).toEqual([0.95, 0.88, 0, 100]);
    expect(checks.every(({ text }) => text.includes('Sluice on MariaDB'))).toBe(true);
  });

  it('draws two bars for each contender and the capacity', () => {
    const svg = goodputChart(dataOf((factor, repeat) => run('sluice', factor, repeat, 99)));
    expect(svg.match(/>60<\/text>/g)).toHaveLength(2 * RIVALS.length + 1);
    expect(svg).toContain('>capacity</text>');
  });
});
