import { LIFTED_BUCKETS, reports, workEnvironment } from '../scenario.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { startDatabase } from '../support/database.js';
import { showSpread } from '../support/statistics.js';
import {
  type BesideRun,
  besideConditions,
  besideTable,
  checkoutSpread,
  measureBeside,
  reportSpread,
} from './beside.js';

const CHECKOUTS_PER_SECOND = 100;
const REPORT_WORK_MS = 300;
const SEATS = 16;
/** Ten times what would fit if reports had all seats for themselves. */
const REPORTS_PER_SECOND = Math.round((10 * SEATS * 1_000) / REPORT_WORK_MS);
const PATIENCE_MS = 10_000;

/** Reports in checkout's own pool, far more than fit: what separate pools cannot help with. */
export const flood: Section = {
  name: 'flood',
  about: "checkout p99 while reports of 300 ms flood checkout's own pool",
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      const env = {
        ...workEnvironment(database.url, REPORT_WORK_MS),
        ...LIFTED_BUCKETS,
        SLUICE_MODE: 'enforce',
        SLUICE_ROUTE_SALES_REPORT_POOL: 'checkout',
      };
      const other = reports({ kind: 'poisson', ratePerSecond: REPORTS_PER_SECOND }, PATIENCE_MS);
      const plan = { name: 'flood', env, checkoutsPerSecond: CHECKOUTS_PER_SECOND, other };
      return summarise(context, await measureBeside(context, database, plan));
    } finally {
      await database.close();
    }
  },
};

function summarise(context: BenchContext, runs: readonly BesideRun[]): SectionResult {
  const served = reportSpread(runs);
  return {
    conditions: {
      ...besideConditions(context, CHECKOUTS_PER_SECOND, runs),
      reportsPerSecond: REPORTS_PER_SECOND,
      reportWorkMs: REPORT_WORK_MS,
    },
    tables: [
      besideTable(runs, {
        title: `${CHECKOUTS_PER_SECOND} checkouts/s, with reports in the same pool of ${SEATS}`,
        other: `${REPORTS_PER_SECOND} reports/s of ${REPORT_WORK_MS} ms`,
        served: showSpread(served, 1),
        unit: 'reports/s',
      }),
    ],
    checks: [
      {
        text: 'checkout p99 under the flood (alone + 30 ms)',
        value: checkoutSpread(runs, 'beside', 'p99Ms').median,
        bound: checkoutSpread(runs, 'alone', 'p99Ms').median + 30,
        kind: 'at most',
        unit: 'ms',
      },
      { text: 'reports still served', value: served.min, bound: 1, kind: 'at least', unit: '/s' },
    ],
    data: runs,
  };
}
