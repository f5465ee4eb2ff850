import type { LoadResult, StreamPlan } from '../../load/plan.js';
import type { Table } from '../../load/table.js';
import { CHECKOUT_WORK_MS, checkouts, windows } from '../scenario.js';
import type { BenchContext } from '../section.js';
import { drive, startShop, streamOf, withServer } from '../servers.js';
import type { BenchDatabase } from '../support/database.js';
import { type Spread, showSpread, spreadOf } from '../support/statistics.js';

/** Checkouts alone, and the same checkouts with other load beside them. */
export interface BesideRun {
  readonly alone: LoadResult;
  readonly beside: LoadResult;
}

/** What {@link measureBeside} drives. */
export interface BesidePlan {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly checkoutsPerSecond: number;
  readonly other: StreamPlan;
}

/** Long enough that a 99th percentile at this rate rests on more than a handful of requests, in milliseconds. */
export const MEASURE_MS = 15_000;

/** Drives checkouts with and without the other load, in turns, each on a fresh shop. */
export async function measureBeside(
  context: BenchContext,
  database: BenchDatabase,
  plan: BesidePlan,
): Promise<BesideRun[]> {
  const arrivals = { kind: 'poisson', ratePerSecond: plan.checkoutsPerSecond } as const;
  const run = async (streams: readonly StreamPlan[], seed: number): Promise<LoadResult> => {
    await database.reset();
    return withServer(startShop(context, plan.env), ({ port }) =>
      drive(context, { port, seed, ...windows(context, MEASURE_MS), streams }),
    );
  };
  const runs: BesideRun[] = [];
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    const seed = context.seed + repeat;
    const withOther = (): Promise<LoadResult> => run([checkouts(arrivals), plan.other], seed);
    const without = (): Promise<LoadResult> => run([checkouts(arrivals)], seed);
    const first = await (repeat % 2 === 0 ? without() : withOther());
    const second = await (repeat % 2 === 0 ? withOther() : without());
    const [alone, beside] = repeat % 2 === 0 ? [first, second] : [second, first];
    runs.push({ alone, beside });
    context.note(
      `${plan.name} ${repeat + 1}/${context.repeats}: checkout p99 ${p99(alone)} ms alone, ${p99(beside)} ms beside`,
    );
  }
  return runs;
}

/** One figure of the checkouts, over all repeats. */
export function checkoutSpread(runs: readonly BesideRun[], which: keyof BesideRun, figure: 'p50Ms' | 'p99Ms'): Spread {
  return spreadOf(runs.map((run) => streamOf(run[which], 'checkout').okLatency[figure]));
}

/** Checkouts that were refused or never answered, in all repeats. */
export function checkoutsLost(runs: readonly BesideRun[], which: keyof BesideRun): number {
  return runs.reduce((sum, run) => {
    const { refused, unanswered } = streamOf(run[which], 'checkout');
    return sum + refused + unanswered;
  }, 0);
}

/** Reports served per second, over all repeats. */
export function reportSpread(runs: readonly BesideRun[]): Spread {
  return spreadOf(runs.map((run) => streamOf(run.beside, 'report').goodPerSecond));
}

/** What checkouts have alone and beside the other load; `served` is the other load's own figure, under its `unit`. */
export function besideTable(
  runs: readonly BesideRun[],
  { title, other, served, unit }: { title: string; other: string; served: string; unit: string },
): Table {
  const row = (name: string, which: keyof BesideRun, last: string): string[] => [
    name,
    showSpread(checkoutSpread(runs, which, 'p50Ms'), 1),
    showSpread(checkoutSpread(runs, which, 'p99Ms'), 1),
    String(checkoutsLost(runs, which)),
    last,
  ];
  return {
    title,
    columns: ['', 'p50 ms', 'p99 ms', 'checkouts lost', unit],
    rows: [row('alone', 'alone', '–'), row(`beside ${other}`, 'beside', served)],
  };
}

/** What the figures of the checkouts depend on, whatever goes on beside them. */
export function besideConditions(
  context: BenchContext,
  checkoutsPerSecond: number,
  runs: readonly BesideRun[],
): Readonly<Record<string, number>> {
  const { measureMs } = windows(context, MEASURE_MS);
  return { checkoutsPerSecond, checkoutWorkMs: CHECKOUT_WORK_MS, measureMs, repeats: runs.length };
}

function p99(result: LoadResult): string {
  return streamOf(result, 'checkout').okLatency.p99Ms.toFixed(1);
}
