import { describe, expect, it } from 'vitest';
import { passes } from '../../bench/section.js';
import {
  type CostRun,
  type StormRun,
  stormFigures,
  summariseRetries,
  VARIANTS,
  type Variant,
} from '../../bench/sections/retry-storm-summary.js';
import type { LoadResult, StreamPlan } from '../../load/plan.js';
import { Tally } from '../../load/tally.js';

type Call = readonly [intendedMs: number, latencyMs: number, status: number];

/** A run of 20 s: warm from 1 s, a storm from 4 to 6 s. */
const PHASES = { warmMs: 1_000, fromMs: 4_000, toMs: 6_000 };

function resultOf(calls: { readonly usual: readonly Call[]; readonly storm: readonly Call[] }): LoadResult {
  const streams = (['usual', 'storm'] as const).map((name) => {
    const arrivals: StreamPlan['arrivals'] = { kind: 'poisson', ratePerSecond: 1 };
    const bounds = { deadlineMs: 500, unansweredAfterMs: 2_000, keepEvents: true };
    const tally = new Tally({ name, method: 'GET', path: '/', arrivals, ...bounds }, { fromMs: 1_000, toMs: 20_000 });
    for (const [intendedMs, latencyMs, status] of calls[name]) {
      if (status === 0) tally.unanswered(intendedMs, intendedMs + latencyMs, 'timeout');
      else
        tally.answered(intendedMs, intendedMs + latencyMs, status, '', status === 503 ? { retryAfterSeconds: 1 } : {});
    }
    return tally.result();
  });
  return { startedAtEpochMs: 0, windowSeconds: 19, streams, generatorCpu: 0, socketsOpened: 0, socketsAtOnce: 0 };
}

describe('the figures of a storm', () => {
  it('tell before, during and after apart; what comes back late prolongs the storm', () => {
    const figures = stormFigures(
      resultOf({
        usual: [
          [500, 900, 201], // not warm yet
          [2_000, 20, 201],
          [3_000, 30, 201],
          [4_500, 200, 201], // during
          [4_600, 600, 201], // during, too late for its caller
          [9_400, 300, 201], // 1.9 s after the last repeat: still allowed to be slow
          [9_600, 25, 201],
          [9_700, 5, 503],
          [9_800, 2_000, 0],
        ],
        storm: [
          [4_100, 100, 201],
          [4_200, 5, 503],
          [5_900, 200, 201], // answered after the last new caller
          [7_500, 5, 503], // a repeat
        ],
      }),
      PHASES,
    );
    expect(figures.before).toMatchObject({ count: 2, p99Ms: 30 });
    expect(figures.after).toMatchObject({ count: 1, p99Ms: 25 });
    expect(figures).toMatchObject({ lostAfter: 2, goodPerSecond: 1, requests: 4, served: 2, tailMs: 1_500 });
    expect(figures).toMatchObject({ retryAfters: { 1: 2 }, unanswered: 1 });
  });
});

const latency = (p99Ms: number): StormRun['before'] => ({
  count: 100,
  meanMs: 20,
  p50Ms: 20,
  p90Ms: 20,
  p99Ms,
  maxMs: p99Ms,
});

function stormOf(variant: Variant, figures: Partial<StormRun> = {}): StormRun {
  const none = { lostAfter: 0, goodPerSecond: 100, requests: 1, served: 1, tailMs: 0, retryAfters: {}, unanswered: 0 };
  return { variant, repeat: 0, before: latency(20), after: latency(20), ...none, ...figures };
}

/** A served request costs 500 µs in the shop and 400 in the database, a refused one 40. */
const COSTS: CostRun[] = [
  { ratePerSecond: 1_500, repeat: 0, served: 1_000, refused: 2_000, shopMs: 580, databaseMs: 400 },
  { ratePerSecond: 4_000, repeat: 0, served: 900, refused: 7_000, shopMs: 730, databaseMs: 360 },
];

describe('the summary of retry storms', () => {
  const missed = (storms: StormRun[], costs = COSTS): string[] =>
    summariseRetries({ storms, costs })
      .checks.filter((check) => !passes(check))
      .map(({ text }) => text);

  it('is content when everything is as before', () => {
    expect(missed(VARIANTS.map((variant) => stormOf(variant)))).toEqual([]);
  });

  it.each([
    ['a p99 that stays high', { after: latency(25.1) }, 'usual p99'],
    ['one that is lost after the storm', { lostAfter: 1 }, 'lost'],
    ['goodput that falls', { goodPerSecond: 94 }, 'goodput'],
  ])('misses a bar for %s', (_what, figures, text) => {
    const texts = missed(VARIANTS.map((variant) => stormOf(variant, variant === 'at once' ? figures : {})));
    expect(texts).toEqual([expect.stringContaining(text)]);
  });

  it('solves for what a served and a refused request cost', () => {
    const storms = VARIANTS.map((variant) => stormOf(variant));
    expect(summariseRetries({ storms, costs: COSTS }).tables[1]?.rows.map(([, micros]) => micros)).toEqual([
      '500',
      '900',
      '40',
    ]);
    const dear = COSTS.map((run) => ({ ...run, shopMs: run.shopMs + run.refused * 0.011 }));
    expect(missed(storms, dear)).toEqual([expect.stringContaining('processor time')]);
  });

  it('asks nothing of costs that the system does not tell', () => {
    const unknown = COSTS.map((run) => ({ ...run, shopMs: Number.NaN }));
    expect(
      missed(
        VARIANTS.map((variant) => stormOf(variant)),
        unknown,
      ),
    ).toEqual([]);
  });
});
