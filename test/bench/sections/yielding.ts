import { startPostgres } from '../../../examples/support/postgres-server.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { prepareRows, tidyRows } from './crowded-rows.js';
import { driveReportPressure, type PressureFigures } from './report-pressure.js';

const CHECKOUTS_PER_SECOND = 80;
const SETTINGS = { ...DATABASE_SETTINGS, max_parallel_workers_per_gather: '0' };

interface Runs {
  readonly without: PressureFigures[];
  readonly with: PressureFigures[];
}

/** What reports do to checkouts on the same server, and what is left of it when their pool yields. */
export const yielding: Section = {
  name: 'yielding',
  about: 'checkouts beside reports that want every core, with and without yieldsTo',
  async run(context) {
    const server = await startPostgres({ settings: SETTINGS });
    try {
      await prepareRows(server.url);
      const runs: Runs = { without: [], with: [] };
      for (let repeat = 0; repeat < context.repeats; repeat += 1) {
        const order = repeat % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
        for (const which of order) {
          await tidyRows(server.url);
          const figures = await drive(context, server.url, which === 'with', context.seed + repeat);
          runs[which].push(figures);
          context.note(
            `${which} yieldsTo ${repeat + 1}/${context.repeats}: checkout p99 ${figures.p99Ms.toFixed(1)} ms, ` +
              `${figures.reportsPerSecond.toFixed(1)} reports/s on ${figures.reportSeats.toFixed(1)} seats`,
          );
        }
      }
      return summarise(context, runs);
    } finally {
      await server.close();
    }
  },
};

function drive(context: BenchContext, url: string, yields: boolean, seed: number): Promise<PressureFigures> {
  return driveReportPressure({
    url,
    yields,
    checkoutsPerSecond: CHECKOUTS_PER_SECOND,
    aloneMs: 4_000,
    settleMs: context.quick ? 2_000 : 4_000,
    measureMs: context.quick ? 3_000 : 12_000,
    seed,
    signal: context.signal,
  });
}

function summarise(context: BenchContext, runs: Runs): SectionResult {
  const of = (which: keyof Runs, pick: (one: PressureFigures) => number): string =>
    showSpread(spreadOf(runs[which].map(pick)), 1);
  const p99 = (which: keyof Runs): number => spreadOf(runs[which].map((one) => one.p99Ms)).median;
  const row = (title: string, pick: (one: PressureFigures) => number): string[] => [
    title,
    of('without', pick),
    of('with', pick),
  ];
  return {
    conditions: { checkoutsPerSecond: CHECKOUTS_PER_SECOND, reportSeats: 8, repeats: context.repeats },
    tables: [
      {
        title: 'Checkouts beside a pool of 8 that adds up figures, median (range)',
        columns: ['', 'without yieldsTo', 'with yieldsTo'],
        rows: [
          row('checkout p99 alone, ms', (one) => one.aloneP99Ms),
          row('checkout p50 beside reports, ms', (one) => one.p50Ms),
          row('checkout p99 beside reports, ms', (one) => one.p99Ms),
          row('reports/s', (one) => one.reportsPerSecond),
          row('seats of the reports', (one) => one.reportSeats),
        ],
      },
    ],
    checks: [
      {
        text: 'checkout p99 with yieldsTo against without, ratio of medians',
        value: p99('with') / p99('without'),
        bound: 0.8,
        kind: 'at most',
        unit: '',
      },
    ],
    data: runs,
  };
}
