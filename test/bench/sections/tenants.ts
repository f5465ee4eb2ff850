import { fileURLToPath } from 'node:url';
import type { LoadResult, StreamPlan } from '../../load/plan.js';
import { startServer } from '../../load/server-process.js';
import { CHECKOUT_WORK_MS, checkouts, LIFTED_BUCKETS, windows, workEnvironment } from '../scenario.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { drive, streamOf, withServer } from '../servers.js';
import { type BenchDatabase, startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { TENANT_HEADER } from '../tenants/tenant-shop.js';

const SERVER = fileURLToPath(new URL('../tenants/main.js', import.meta.url));
/** As in the shop. */
const SEATS = 16;
const TENANTS = 10;
const PER_TENANT = 18;
/** The loud one sends so many times what each of the others sends: alone more than the seats can serve. */
const LOUDER = 50;
const MEASURE_MS = 12_000;

/** The quiet tenants without the loud one, and beside it. */
interface Pair {
  readonly alone: LoadResult;
  readonly beside: LoadResult;
}

/** One tenant floods the route that others use as well. */
export const tenants: Section = {
  name: 'tenants',
  about: `p99 of ${TENANTS} tenants while another one sends ${LOUDER} times what each of them does`,
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      return summarise(context, await measure(context, database));
    } finally {
      await database.close();
    }
  },
};

async function measure(context: BenchContext, database: BenchDatabase): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    const run = (streams: readonly StreamPlan[]): Promise<LoadResult> =>
      turn(context, database, context.seed + repeat, streams);
    const first = await run(repeat % 2 === 0 ? [quiet()] : [quiet(), loud()]);
    const second = await run(repeat % 2 === 0 ? [quiet(), loud()] : [quiet()]);
    const [alone, beside] = repeat % 2 === 0 ? [first, second] : [second, first];
    pairs.push({ alone, beside });
    const shown = [alone, beside].map((result) => streamOf(result, 'quiet').okLatency.p99Ms.toFixed(1));
    context.note(`tenants ${repeat + 1}/${context.repeats}: p99 of the others ${shown.join(' ms alone, ')} ms beside`);
  }
  return pairs;
}

async function turn(
  context: BenchContext,
  database: BenchDatabase,
  seed: number,
  streams: readonly StreamPlan[],
): Promise<LoadResult> {
  await database.reset();
  const env = { ...workEnvironment(database.url), ...LIFTED_BUCKETS, SLUICE_POOL_CHECKOUT_MAX: String(SEATS) };
  return withServer(startServer(SERVER, { env, signal: context.signal }), ({ port }) =>
    drive(context, { port, seed, ...windows(context, MEASURE_MS), streams }),
  );
}

function quiet(): StreamPlan {
  return stream('quiet', `quiet-{{int 1 ${TENANTS}}}`, TENANTS * PER_TENANT);
}

function loud(): StreamPlan {
  return stream('loud', 'loud', LOUDER * PER_TENANT);
}

function stream(name: string, tenant: string, ratePerSecond: number): StreamPlan {
  return { ...checkouts({ kind: 'poisson', ratePerSecond }), name, headers: { [TENANT_HEADER]: tenant } };
}

function summarise(context: BenchContext, pairs: readonly Pair[]): SectionResult {
  const quietOf = (which: keyof Pair, figure: 'p50Ms' | 'p99Ms') =>
    spreadOf(pairs.map((pair) => streamOf(pair[which], 'quiet').okLatency[figure]));
  const shares = (which: keyof Pair, name: string): number[] =>
    pairs.map((pair) => {
      const { good, completed, unanswered } = streamOf(pair[which], name);
      return good / (completed + unanswered);
    });
  const row = (title: string, which: keyof Pair): string[] => [
    title,
    showSpread(quietOf(which, 'p50Ms'), 1),
    showSpread(quietOf(which, 'p99Ms'), 1),
    percent(spreadOf(shares(which, 'quiet')).median),
    which === 'alone' ? '–' : percent(spreadOf(shares(which, 'loud')).median),
  ];
  const ratios = pairs.map(
    ({ alone, beside }) => streamOf(beside, 'quiet').okLatency.p99Ms / streamOf(alone, 'quiet').okLatency.p99Ms,
  );
  return {
    conditions: {
      tenants: TENANTS,
      perSecondEach: PER_TENANT,
      loudPerSecond: LOUDER * PER_TENANT,
      seats: SEATS,
      checkoutWorkMs: CHECKOUT_WORK_MS,
      measureMs: windows(context, MEASURE_MS).measureMs,
      repeats: pairs.length,
    },
    tables: [
      {
        title: `${TENANTS} tenants with ${PER_TENANT} checkouts/s each, ${SEATS} seats`,
        columns: ['', 'p50 ms', 'p99 ms', 'of them in time', 'of the loud one in time'],
        rows: [row('alone', 'alone'), row(`beside one with ${LOUDER * PER_TENANT}/s`, 'beside')],
      },
    ],
    checks: [
      {
        text: `p99 of the others while one tenant sends ${LOUDER} times as much, over theirs without it`,
        value: spreadOf(ratios).median,
        bound: 1.5,
        kind: 'at most',
        unit: '',
      },
      {
        text: 'their checkouts in time meanwhile, share of all of theirs',
        value: spreadOf(shares('beside', 'quiet')).median,
        bound: 0.99,
        kind: 'at least',
        unit: '',
      },
    ],
    data: pairs,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
