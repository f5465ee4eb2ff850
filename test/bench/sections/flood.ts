import { CHECKOUT_WORK_MS, LIFTED_BUCKETS, reports, windows, workEnvironment } from '../scenario.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { startDatabase } from '../support/database.js';
import { showSpread } from '../support/statistics.js';
import { type BesideRun, checkoutSpread, checkoutsLost, MEASURE_MS, measureBeside, reportSpread } from './beside.js';

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
  const row = (title: string, which: keyof BesideRun, reportsServed: string): string[] => [
    title,
    showSpread(checkoutSpread(runs, which, 'p50Ms'), 1),
    showSpread(checkoutSpread(runs, which, 'p99Ms'), 1),
    String(checkoutsLost(runs, which)),
    reportsServed,
  ];
  return {
    conditions: {
      checkoutsPerSecond: CHECKOUTS_PER_SECOND,
      checkoutWorkMs: CHECKOUT_WORK_MS,
      reportsPerSecond: REPORTS_PER_SECOND,
      reportWorkMs: REPORT_WORK_MS,
      measureMs: windows(context, MEASURE_MS).measureMs,
      repeats: runs.length,
    },
    tables: [
      {
        title: `${CHECKOUTS_PER_SECOND} checkouts/s, with reports in the same pool of ${SEATS}`,
        columns: ['', 'p50 ms', 'p99 ms', 'checkouts lost', 'reports/s'],
        rows: [
          row('alone', 'alone', '–'),
          row(`beside ${REPORTS_PER_SECOND} reports/s of ${REPORT_WORK_MS} ms`, 'beside', showSpread(served, 1)),
        ],
      },
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
