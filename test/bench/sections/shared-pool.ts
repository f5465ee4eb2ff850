import type { StreamPlan } from '../../load/plan.js';
import { LIFTED_BUCKETS, workEnvironment } from '../scenario.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { streamOf } from '../servers.js';
import { startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { type BesideRun, besideConditions, besideTable, checkoutsLost, measureBeside } from './beside.js';

/** So few that seats are scarce before the processor is: a product is read in a millisecond or two. */
const SEATS = 4;
/** A quarter of the seats' time. */
const CHECKOUTS_PER_SECOND = 50;
/** More than the seats that checkout leaves can do. */
const PRODUCTS_PER_SECOND = 1_500;

/** The catalogue moved into checkout's pool, and flooding it: many short holds of the seats that checkout needs. */
export const sharedPool: Section = {
  name: 'shared-pool',
  about: "checkout p99 while the catalogue floods checkout's own pool",
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      const env = {
        ...workEnvironment(database.url),
        ...LIFTED_BUCKETS,
        SLUICE_MODE: 'enforce',
        SLUICE_POOL_CHECKOUT_MAX: String(SEATS),
        SLUICE_ROUTE_PRODUCT_POOL: 'checkout',
        SLUICE_ROUTE_PRODUCT_RATE_PER_SECOND: '100000',
        SLUICE_ROUTE_PRODUCT_BURST: '100000',
      };
      const plan = { name: 'shared-pool', env, checkoutsPerSecond: CHECKOUTS_PER_SECOND, other: products() };
      return summarise(context, await measureBeside(context, database, plan));
    } finally {
      await database.close();
    }
  },
};

function products(): StreamPlan {
  return {
    name: 'product',
    method: 'GET',
    path: '/products/{{int 1 1000}}',
    arrivals: { kind: 'poisson', ratePerSecond: PRODUCTS_PER_SECOND },
    deadlineMs: 500,
    unansweredAfterMs: 2_000,
  };
}

function summarise(context: BenchContext, runs: readonly BesideRun[]): SectionResult {
  const served = spreadOf(runs.map(({ beside }) => streamOf(beside, 'product').goodPerSecond));
  const ratios = runs.map(
    ({ alone, beside }) => streamOf(beside, 'checkout').okLatency.p99Ms / streamOf(alone, 'checkout').okLatency.p99Ms,
  );
  return {
    conditions: {
      seats: SEATS,
      ...besideConditions(context, CHECKOUTS_PER_SECOND, runs),
      productsPerSecond: PRODUCTS_PER_SECOND,
    },
    tables: [
      besideTable(runs, {
        title: `${CHECKOUTS_PER_SECOND} checkouts/s, with the catalogue in the same pool of ${SEATS}`,
        other: `${PRODUCTS_PER_SECOND} products/s`,
        served: showSpread(served),
        unit: 'products/s',
      }),
    ],
    checks: [
      {
        text: "checkout p99 while the catalogue floods checkout's pool, over its p99 alone",
        value: spreadOf(ratios).median,
        bound: 1.25,
        kind: 'at most',
        unit: '',
      },
      {
        text: 'checkouts lost meanwhile, in all repeats',
        value: checkoutsLost(runs, 'beside'),
        bound: 0,
        kind: 'at most',
        unit: '',
      },
    ],
    data: runs,
  };
}
