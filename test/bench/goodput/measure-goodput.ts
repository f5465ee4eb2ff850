import type { LoadResult } from '../../load/plan.js';
import { seededRandom, seedFor } from '../../load/random.js';
import { RIVALS, type RivalName } from '../rivals/names.js';
import {
  CHECKOUT_WORK_MS,
  checkouts,
  DEADLINE_MS,
  LIFTED_BUCKETS,
  REPORT_WORK_MS,
  REPORTS_PER_SECOND,
  reportStorm,
  windows,
  workEnvironment,
} from '../scenario.js';
import type { BenchContext, SectionResult } from '../section.js';
import {
  type Capacity,
  type Contender,
  EXTREME_CONTENDERS,
  EXTREME_FACTOR,
  FACTORS,
  type GoodputData,
  type GoodputRun,
  summarise,
} from '../sections/goodput-summary.js';
import { drive, measureDatabaseAlone, startRival, startShop, streamOf, withServer } from '../servers.js';
import type { ShopDatabase } from '../support/database.js';

/** On what goodput is measured, and against whom. */
export interface GoodputPlan {
  readonly database: ShopDatabase;
  /** Where that is, as titles and bars say it: ` on MariaDB`; empty for PostgreSQL itself. */
  readonly where: string;
  /** Whether the rivals and the raw clients, which speak to PostgreSQL only, are measured, too, and what is far beyond. */
  readonly against: 'everybody' | 'nobody';
}

/** Callers of the closed loop that measures capacity: the number that gets most out of 16 connections is taken. */
const CALLERS = [16, 20, 24, 32];

/** Runs everybody at every load, each repeat between two measurements of the capacity. */
export async function measureGoodput(context: BenchContext, plan: GoodputPlan): Promise<SectionResult> {
  const { database, where, against } = plan;
  const runs: GoodputRun[] = [];
  const capacities: Capacity[] = [];
  const tunings: Partial<Record<RivalName, unknown>> = {};
  const contenders: readonly Contender[] = against === 'nobody' ? ['sluice'] : ['sluice', ...RIVALS];
  const callers = await bestCallers(context, database);
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    const alone = against === 'nobody' ? undefined : await databaseAlone(context, database);
    const before = await capacityOf(context, database, callers);
    for (const contender of shuffled(contenders, seedFor(context.seed, `order ${repeat}`))) {
      const extreme = against !== 'nobody' && EXTREME_CONTENDERS.some((name) => name === contender);
      for (const factor of extreme ? [...FACTORS, EXTREME_FACTOR] : FACTORS) {
        const measured = await overload(context, database, contender, before * factor, tunings);
        runs.push(runOf(contender, factor, repeat, before * factor, measured));
        context.note(`goodput${where} ${repeat + 1}/${context.repeats}: ${contender} at ${factor}x ${lastOf(runs)}`);
      }
    }
    // Before and after, because a machine that others use does not stay the same.
    const after = await capacityOf(context, database, callers);
    capacities.push({ alone, before, after });
  }
  const data: GoodputData = { callers, capacities, tunings, runs };
  return { conditions: conditions(context, plan, callers), ...summarise(data, where), data };
}

function conditions(
  context: BenchContext,
  { database }: GoodputPlan,
  callers: number,
): Record<string, number | string> {
  const { warmUpMs, measureMs } = windows(context);
  return {
    checkoutWorkMs: CHECKOUT_WORK_MS,
    reportWorkMs: REPORT_WORK_MS,
    reportsPerSecond: REPORTS_PER_SECOND,
    deadlineMs: DEADLINE_MS,
    arrivals: 'poisson',
    capacityCallers: callers,
    warmUpMs,
    measureMs,
    repeats: context.repeats,
    database: Object.entries(database.settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  };
}

/** The closed loop is run with each number of callers once; the best one measures all capacities of this section. */
async function bestCallers(context: BenchContext, database: ShopDatabase): Promise<number> {
  let best = { callers: 0, perSecond: 0 };
  for (const callers of context.quick ? CALLERS.slice(1, 3) : CALLERS) {
    const perSecond = await capacityOf(context, database, callers);
    if (perSecond > best.perSecond) best = { callers, perSecond };
  }
  return best.callers;
}

/** What the shop does without Sluice in the way, with as many callers as it can take, beside the same report storm. */
async function capacityOf(context: BenchContext, database: ShopDatabase, callers: number): Promise<number> {
  await database.reset();
  const env = { ...shopEnvironment(database), SLUICE_MODE: 'off' };
  const result = await withServer(startShop(context, env), ({ port }) =>
    drive(context, {
      port,
      seed: context.seed,
      ...windows(context),
      streams: [checkouts({ kind: 'closed', callers }), reportStorm()],
    }),
  );
  const perSecond = streamOf(result, 'checkout').goodPerSecond;
  context.note(`goodput: capacity with ${callers} callers is ${perSecond.toFixed(0)}/s`);
  return perSecond;
}

function shopEnvironment({ url, env }: ShopDatabase): Record<string, string> {
  return { ...workEnvironment(url), ...LIFTED_BUCKETS, ...env };
}

async function databaseAlone(context: BenchContext, database: ShopDatabase): Promise<number> {
  await database.reset();
  const { perSecond } = await measureDatabaseAlone(context, workEnvironment(database.url), windows(context));
  context.note(`goodput: the database alone does ${perSecond.toFixed(0)}/s`);
  return perSecond;
}

async function overload(
  context: BenchContext,
  database: ShopDatabase,
  contender: Contender,
  ratePerSecond: number,
  tunings: Partial<Record<RivalName, unknown>>,
): Promise<LoadResult> {
  await database.reset();
  const starting =
    contender === 'sluice'
      ? startShop(context, { ...shopEnvironment(database), SLUICE_MODE: 'enforce' })
      : startRival(context, contender, workEnvironment(database.url));
  return withServer(starting, async (server) => {
    if (contender !== 'sluice') tunings[contender] = await server.ask('tuning');
    return drive(context, {
      port: server.port,
      seed: context.seed,
      ...windows(context),
      streams: [checkouts({ kind: 'poisson', ratePerSecond }), reportStorm()],
    });
  });
}

function runOf(
  contender: Contender,
  factor: number,
  repeat: number,
  ratePerSecond: number,
  result: LoadResult,
): GoodputRun {
  const { events: _, ...checkout } = streamOf(result, 'checkout');
  const reportsPerSecond = streamOf(result, 'report').goodPerSecond;
  return { contender, factor, repeat, ratePerSecond, checkout, reportsPerSecond, generatorCpu: result.generatorCpu };
}

function lastOf(runs: readonly GoodputRun[]): string {
  const checkout = runs.at(-1)?.checkout;
  return `good ${checkout?.goodPerSecond.toFixed(0)}/s, unanswered ${checkout?.unanswered}`;
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
