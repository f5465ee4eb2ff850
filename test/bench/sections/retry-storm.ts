import type { LoadResult, Retries, StreamPlan } from '../../load/plan.js';
import { processCpuMs } from '../../load/process-cpu.js';
import { checkouts, LIFTED_BUCKETS, workEnvironment } from '../scenario.js';
import type { BenchContext, Section } from '../section.js';
import { drive, startShop, streamOf, withServer } from '../servers.js';
import { type BenchDatabase, startDatabase } from '../support/database.js';
import {
  type CostRun,
  RECOVERY_MS,
  type RetryData,
  type StormRun,
  stormFigures,
  summariseRetries,
  VARIANTS,
  type Variant,
} from './retry-storm-summary.js';

/** Customers as on every day; they do not come back when refused. */
export const USUAL_PER_SECOND = 100;
/** The storm: about twice what 16 connections can serve, before anybody comes back. */
const STORM_PER_SECOND = 1_400;
/** Few seats, so that refusing and not serving is most of the work. */
const COST_SEATS = 4;
/** Two loads beyond what they can do: what is served is the same, so that what the loads differ by are refusals. */
const COST_LOADS = [400, 2_000] as const;

/** Three repeats as told, a second or so apart. */
const TAIL_MS = 4_000;

const RETRIES: Readonly<Record<Variant, Retries | undefined>> = {
  none: undefined,
  'as told': { times: 3, when: 'as-told' },
  'at once': { times: 3, when: 'at-once' },
};

/** A surge whose callers come back three times each, and how soon the day is as usual again. */
export const retryStorm: Section = {
  name: 'retry-storm',
  about: 'p99 before and after a surge whose clients retry three times, and what a refusal costs',
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      const storms: StormRun[] = [];
      const costs: CostRun[] = [];
      for (let repeat = 0; repeat < context.repeats; repeat += 1) {
        for (const variant of turned(VARIANTS, repeat)) storms.push(await storm(context, database, variant, repeat));
        for (const rate of turned(COST_LOADS, repeat)) costs.push(await cost(context, database, rate, repeat));
      }
      const data: RetryData = { storms, costs };
      return { conditions: conditions(context), ...summariseRetries(data), data };
    } finally {
      await database.close();
    }
  },
};

/** Instants of one run, in milliseconds from its start. The end lies far enough behind for every repeat to be over. */
function phases(
  context: BenchContext,
  variant?: Variant,
): { warmMs: number; fromMs: number; toMs: number; endMs: number } {
  const tailMs = variant === 'as told' ? TAIL_MS : 0;
  return context.quick
    ? { warmMs: 1_000, fromMs: 2_500, toMs: 4_000, endMs: 4_000 + tailMs + RECOVERY_MS + 2_000 }
    : { warmMs: 3_000, fromMs: 9_000, toMs: 13_000, endMs: 13_000 + tailMs + RECOVERY_MS + 8_000 };
}

async function storm(
  context: BenchContext,
  database: BenchDatabase,
  variant: Variant,
  repeat: number,
): Promise<StormRun> {
  const { warmMs, fromMs, toMs, endMs } = phases(context, variant);
  const retries = RETRIES[variant];
  const usual = stream('usual', { ratePerSecond: USUAL_PER_SECOND });
  const surge = stream('storm', { ratePerSecond: STORM_PER_SECOND, fromMs, toMs });
  const result = await onShop(context, database, {}, (port) =>
    drive(context, {
      port,
      seed: context.seed + repeat,
      warmUpMs: warmMs,
      measureMs: endMs - warmMs,
      coolDownMs: 0,
      streams: [usual, { ...surge, ...(retries === undefined ? {} : { retries }) }],
    }),
  );
  const figures = stormFigures(result, { warmMs, fromMs, toMs });
  context.note(
    `retry-storm ${repeat + 1}/${context.repeats}: retries ${variant}: p99 ${figures.before.p99Ms.toFixed(1)} ms ` +
      `before, ${figures.after.p99Ms.toFixed(1)} ms after, ${figures.goodPerSecond.toFixed(0)}/s in time during it`,
  );
  return { variant, repeat, ...figures };
}

/** Processor time of the shop and of its database under a load beyond capacity. */
async function cost(
  context: BenchContext,
  database: BenchDatabase,
  ratePerSecond: number,
  repeat: number,
): Promise<CostRun> {
  const env = { SLUICE_POOL_CHECKOUT_MAX: String(COST_SEATS) };
  return onShop(context, database, env, async (port, pid) => {
    const load = (warmUpMs: number, measureMs: number): Promise<LoadResult> => {
      const streams = [checkouts({ kind: 'poisson', ratePerSecond })];
      return drive(context, { port, seed: context.seed + repeat, warmUpMs, measureMs, coolDownMs: 0, streams });
    };
    await load(0, 1_000);
    const before = [processCpuMs(pid), processCpuMs(database.server.pid ?? 0)];
    const { statuses } = streamOf(await load(0, context.quick ? 2_000 : 6_000), 'checkout');
    const used = [processCpuMs(pid), processCpuMs(database.server.pid ?? 0)].map(
      (afterMs, index) => (afterMs ?? Number.NaN) - (before[index] ?? Number.NaN),
    );
    const served = statuses[201] ?? 0;
    const refused = Object.values(statuses).reduce((sum, count) => sum + count, 0) - served;
    return { ratePerSecond, repeat, served, refused, shopMs: used[0] ?? 0, databaseMs: used[1] ?? 0 };
  });
}

async function onShop<T>(
  context: BenchContext,
  database: BenchDatabase,
  more: Readonly<Record<string, string>>,
  use: (port: number, pid: number) => Promise<T>,
): Promise<T> {
  await database.reset();
  const env = { ...workEnvironment(database.url), ...LIFTED_BUCKETS, SLUICE_MODE: 'enforce', ...more };
  return withServer(startShop(context, env), ({ port, pid }) => use(port, pid));
}

function stream(name: string, arrivals: { ratePerSecond: number; fromMs?: number; toMs?: number }): StreamPlan {
  return { ...checkouts({ kind: 'poisson', ...arrivals }), name, keepEvents: true };
}

/** Every other repeat the other way round, so that what drifts favours none. */
function turned<T>(items: readonly T[], repeat: number): readonly T[] {
  return repeat % 2 === 0 ? items : items.toReversed();
}

function conditions(context: BenchContext): Record<string, number | string> {
  const { fromMs, toMs } = phases(context);
  return {
    usualPerSecond: USUAL_PER_SECOND,
    stormPerSecond: STORM_PER_SECOND,
    stormMs: toMs - fromMs,
    retries: 3,
    costSeats: COST_SEATS,
    costLoads: COST_LOADS.join(', '),
    repeats: context.repeats,
  };
}
