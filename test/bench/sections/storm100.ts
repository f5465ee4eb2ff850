import { LIFTED_BUCKETS, REPORT_WORK_MS, REPORTS_PER_SECOND, reports, windows, workEnvironment } from '../scenario.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { drive, startShop, streamOf, withServer } from '../servers.js';
import { type BenchDatabase, startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import {
  type BesideRun,
  besideConditions,
  besideTable,
  checkoutSpread,
  MEASURE_MS,
  measureBeside,
  reportSpread,
} from './beside.js';

const CHECKOUTS_PER_SECOND = 100;
const REPORT_CONNECTIONS = 4;
/** Report callers are patient. */
const PATIENCE_MS = 10_000;

/** A report storm beside moderate checkout load: checkout must not notice, and reports must not suffer for it. */
export const storm100: Section = {
  name: 'storm100',
  about: 'checkout p99 at 100/s with and without the report storm, and reports served',
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      const env = { ...workEnvironment(database.url), ...LIFTED_BUCKETS, SLUICE_MODE: 'enforce' };
      const most = await mostReports(context, database);
      const other = reports({ kind: 'poisson', ratePerSecond: REPORTS_PER_SECOND }, PATIENCE_MS);
      const plan = { name: 'storm100', env, checkoutsPerSecond: CHECKOUTS_PER_SECOND, other };
      return summarise(context, most, await measureBeside(context, database, plan));
    } finally {
      await database.close();
    }
  },
};

/** What four connections can do: four callers back to back, nothing beside them and nothing in the way. */
async function mostReports(context: BenchContext, database: BenchDatabase): Promise<number> {
  const env = { ...workEnvironment(database.url), ...LIFTED_BUCKETS, SLUICE_MODE: 'off' };
  const result = await withServer(startShop(context, env), ({ port }) =>
    drive(context, {
      port,
      seed: context.seed,
      ...windows(context, MEASURE_MS),
      streams: [reports({ kind: 'closed', callers: REPORT_CONNECTIONS }, PATIENCE_MS)],
    }),
  );
  const { meanMs } = streamOf(result, 'report').okLatency;
  // By the time of one rather than by counting: a window holds few reports, and a fraction of one would be lost.
  return (REPORT_CONNECTIONS * 1_000) / meanMs;
}

function summarise(context: BenchContext, most: number, runs: readonly BesideRun[]): SectionResult {
  const alone = checkoutSpread(runs, 'alone', 'p99Ms');
  const beside = checkoutSpread(runs, 'beside', 'p99Ms');
  const served = reportSpread(runs);
  return {
    conditions: {
      ...besideConditions(context, CHECKOUTS_PER_SECOND, runs),
      reportsPerSecond: REPORTS_PER_SECOND,
      reportWorkMs: REPORT_WORK_MS,
    },
    tables: [
      besideTable(runs, {
        title: `${CHECKOUTS_PER_SECOND} checkouts/s behind Sluice`,
        other: `${REPORTS_PER_SECOND} one-second reports/s`,
        served: `${showSpread(served, 1)} of ${most.toFixed(1)}`,
        unit: 'reports/s',
      }),
    ],
    checks: [
      {
        text: 'checkout p99 with the report storm (1.25 times the p99 without it, or + 5 ms)',
        value: beside.median,
        bound: Math.max(1.25 * alone.median, alone.median + 5),
        kind: 'at most',
        unit: 'ms',
      },
      {
        text: 'reports served, share of what their four connections can do',
        value: spreadOf(served.values.map((perSecond) => perSecond / most)).median,
        bound: 0.8,
        kind: 'at least',
        unit: '',
      },
    ],
    data: { most, runs },
  };
}
