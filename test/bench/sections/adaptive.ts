import { startPostgres } from '../../../examples/support/postgres-server.js';
import type { PoolOptions, RequestHandle } from '../../../src/index.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { type ClosedLoopFigures, driveClosedLoop } from './closed-loop.js';
import { prepareRows, tidyRows } from './crowded-rows.js';

const SEATS = 16;
const FIXED = [1, 2, 4, 8, SEATS] as const;
const CALLERS = 48;
/** What is adaptive begins at all seats under full load, and has this long to find its place. */
const SEARCH_MS = 20_000;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 6_000;

interface Work {
  readonly name: 'hot row' | 'sleep';
  readonly fixed: readonly number[];
  run(handle: RequestHandle): Promise<unknown>;
}

const WORKS: readonly Work[] = [
  {
    name: 'hot row',
    fixed: FIXED,
    run: (handle) =>
      handle.transaction(async (client) => {
        await client.query('update counters set hits = hits + 1 where id = 1');
        await client.query('select count(*) from generate_series(1, 300)');
      }),
  },
  { name: 'sleep', fixed: [SEATS], run: (handle) => handle.query('select pg_sleep(0.02)') },
];

type Size = number | 'adaptive';
type Runs = Map<Size, ClosedLoopFigures[]>;

/** Whether a concurrency limit that adapts finds what the best fixed one would have been. */
export const adaptive: Section = {
  name: 'adaptive',
  about: 'an adaptive concurrency limit against every fixed one, on a hot row and on work that sleeps',
  async run(context) {
    const server = await startPostgres({ settings: DATABASE_SETTINGS });
    try {
      await prepareRows(server.url);
      const runs = new Map<Work, Runs>();
      for (const work of WORKS) runs.set(work, await measure(context, server.url, work));
      return summarise(context, runs);
    } finally {
      await server.close();
    }
  },
};

async function measure(context: BenchContext, url: string, work: Work): Promise<Runs> {
  const sizes: readonly Size[] = [...work.fixed, 'adaptive'];
  const runs: Runs = new Map(sizes.map((size) => [size, []]));
  for (let repeat = 0; repeat < context.repeats; repeat += 1) {
    // Each repeat begins elsewhere, so that no size is always the first.
    for (const [index] of sizes.entries()) {
      const size = sizes[(index + repeat) % sizes.length] ?? SEATS;
      await tidyRows(url);
      const figures = await drive(context, url, work, size);
      runs.get(size)?.push(figures);
      const limits = size === 'adaptive' ? `, ${figures.pool.seats.limit} seats at the end` : '';
      context.note(`${work.name} ${repeat + 1}/${context.repeats}: ${size} ${figures.perSecond.toFixed(0)}/s${limits}`);
    }
  }
  return runs;
}

function drive(context: BenchContext, url: string, work: Work, size: Size): Promise<ClosedLoopFigures> {
  const adapts = size === 'adaptive';
  const max = adapts ? SEATS : size;
  const pool: PoolOptions = { max, minIdle: max, adaptive: adapts, minSeats: 1 };
  const warmUpMs = adapts ? SEARCH_MS : WARM_UP_MS;
  const measureMs = context.quick ? 2_000 : MEASURE_MS;
  return driveClosedLoop({ url, pool, callers: CALLERS, work: work.run, warmUpMs, measureMs, signal: context.signal });
}

const perSecond = (runs: Runs, size: Size): number[] => (runs.get(size) ?? []).map((run) => run.perSecond);
const median = (values: readonly number[]): number => spreadOf(values).median;

function summarise(context: BenchContext, all: ReadonlyMap<Work, Runs>): SectionResult {
  const rows: string[][] = [];
  const checks: SectionResult['checks'][number][] = [];
  for (const [work, runs] of all) {
    const best = Math.max(...work.fixed.map((size) => median(perSecond(runs, size))));
    // Trials included: what they cost belongs to the bill.
    const seats = (runs.get('adaptive') ?? []).map(({ limits }) => median(limits));
    for (const size of runs.keys()) {
      const ratio = median(perSecond(runs, size)) / best;
      const shown = size === 'adaptive' ? `adaptive: ${showSpread(spreadOf(seats))}` : String(size);
      rows.push([work.name, shown, showSpread(spreadOf(perSecond(runs, size))), ratio.toFixed(2)]);
    }
    checks.push(
      {
        text: `${work.name}: seats of ${SEATS} that the adaptive limit ends at, median`,
        value: median(seats),
        bound: work.name === 'sleep' ? SEATS : 4,
        kind: work.name === 'sleep' ? 'at least' : 'at most',
        unit: '',
      },
      {
        text: `${work.name}: throughput against the best fixed size, ratio of medians`,
        value: median(perSecond(runs, 'adaptive')) / best,
        bound: 0.95,
        kind: 'at least',
        unit: '',
      },
    );
  }
  return {
    conditions: {
      callers: CALLERS,
      seats: SEATS,
      searchMs: SEARCH_MS,
      measureMs: MEASURE_MS,
      repeats: context.repeats,
    },
    tables: [
      {
        title: 'Fixed sizes and an adaptive one, cold start under full load',
        columns: ['work', 'seats', 'requests/s, median (range)', 'of the best fixed'],
        rows,
      },
    ],
    checks,
    data: Object.fromEntries([...all].map(([work, runs]) => [work.name, Object.fromEntries(runs)])),
  };
}
