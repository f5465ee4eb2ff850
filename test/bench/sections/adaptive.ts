import { startPostgres } from '../../../examples/support/postgres-server.js';
import type { PoolOptions, RequestHandle } from '../../../src/index.js';
import type { BenchContext, Section, SectionResult } from '../section.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { ClosedLoop, type TurnFigures } from './closed-loop.js';
import { prepareRows, tidyRows } from './crowded-rows.js';

const SEATS = 16;
const FIXED = [1, 2, 4, 8, SEATS] as const;
const CALLERS = 48;
/** What is adaptive begins at all seats under full load, and has this long to find its place. */
const SEARCH_MS = 20_000;
/** Then all sizes take turns of this length, so many to a repeat. */
const SETTLE_MS = 300;
const TURN_MS = 1_200;
const ROUNDS = 6;

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
type Runs = Map<Size, TurnFigures[]>;

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
    const loops = new Map<Size, ClosedLoop>();
    try {
      for (const size of sizes) loops.set(size, await open(context, url, work, size));
      await tidyRows(url);
      await loops.get('adaptive')?.turn(0, SEARCH_MS);
      const rounds = context.quick ? 2 : ROUNDS;
      for (let round = 0; round < rounds; round += 1) await oneRound(url, loops, runs, round);
    } finally {
      for (const loop of loops.values()) await loop.close();
    }
    const last = runs.get('adaptive')?.at(-1);
    context.note(
      `${work.name} ${repeat + 1}/${context.repeats}: adaptive ${last?.perSecond.toFixed(0)}/s ` +
        `on ${last?.limits.at(-1)} seats in the last turn`,
    );
  }
  return runs;
}

/** Each round begins elsewhere, so that no size is always the first. */
async function oneRound(url: string, loops: ReadonlyMap<Size, ClosedLoop>, runs: Runs, round: number): Promise<void> {
  await tidyRows(url);
  const order = [...loops];
  for (const [index] of order.entries()) {
    const entry = order[(index + round) % order.length];
    if (entry !== undefined) runs.get(entry[0])?.push(await entry[1].turn(SETTLE_MS, TURN_MS));
  }
}

function open(context: BenchContext, url: string, work: Work, size: Size): Promise<ClosedLoop> {
  const adapts = size === 'adaptive';
  const max = adapts ? SEATS : size;
  const pool: PoolOptions<'main'> = { max, minIdle: max, adaptive: adapts, minSeats: 1 };
  return ClosedLoop.open({ url, pool, callers: CALLERS, work: work.run, signal: context.signal });
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
      turnMs: TURN_MS,
      rounds: ROUNDS,
      repeats: context.repeats,
    },
    tables: [
      {
        title: 'Fixed sizes in turns with an adaptive one that began with all seats, cold, under full load',
        columns: ['work', 'seats', 'requests/s, median (range)', 'of the best fixed'],
        rows,
      },
    ],
    checks,
    data: Object.fromEntries([...all].map(([work, runs]) => [work.name, Object.fromEntries(runs)])),
  };
}
