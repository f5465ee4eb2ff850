import { fileURLToPath } from 'node:url';
import type { StreamPlan } from '../../load/plan.js';
import { type ServerProcess, startServer } from '../../load/server-process.js';
import { RAW_TITLES, RAW_VARIANTS, type RawUsage, type RawVariant } from '../raw/variants.js';
import type { BenchContext, Section } from '../section.js';
import { drive, streamOf } from '../servers.js';
import { startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';

const PAIRS = 9;
const CONNECTIONS = 32;
const SERVER = fileURLToPath(new URL('../raw/server.js', import.meta.url));

/** One turn of one server. */
interface Turn {
  readonly perSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly p99Ms: number;
}

/** A variant and bare Express, measured right after one another. */
interface Pair {
  readonly variant: RawVariant;
  readonly bare: Turn;
  readonly guarded: Turn;
}

type Servers = ReadonlyMap<RawVariant, ServerProcess>;

/** What the path of an admitted request costs: a trivial route, as fast as 32 connections can ask. */
export const raw: Section = {
  name: 'raw',
  about: 'requests/s and CPU per request of a trivial route, bare and behind guards',
  async run(context) {
    const database = await startDatabase(context.signal);
    const servers = new Map<RawVariant, ServerProcess>();
    try {
      for (const variant of RAW_VARIANTS) {
        const env = { DATABASE_URL: database.url };
        servers.set(variant, await startServer(SERVER, { args: [variant], env, signal: context.signal }));
      }
      for (const variant of RAW_VARIANTS) await turn(context, servers, variant, 1_500);
      return summarise(await measure(context, servers));
    } finally {
      for (const server of servers.values()) await server.stop();
      await database.close();
    }
  },
};

/** Every other pair begins with the other one, so that what drifts or warms up favours neither. */
async function measure(context: BenchContext, servers: Servers): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const measureMs = context.quick ? 600 : 2_000;
  for (let round = 0; round < (context.quick ? 3 : PAIRS); round += 1) {
    for (const variant of RAW_VARIANTS.slice(1)) {
      const first = await turn(context, servers, round % 2 === 0 ? 'bare' : variant, measureMs);
      const second = await turn(context, servers, round % 2 === 0 ? variant : 'bare', measureMs);
      const [bare, guarded] = round % 2 === 0 ? [first, second] : [second, first];
      pairs.push({ variant, bare, guarded });
    }
    context.note(`raw: pair ${round + 1} of each variant`);
  }
  return pairs;
}

async function turn(context: BenchContext, servers: Servers, variant: RawVariant, measureMs: number): Promise<Turn> {
  const server = servers.get(variant);
  if (server === undefined) throw new Error(`the server of ${variant} is not running`);
  const before = await server.ask<RawUsage>('usage');
  const result = await drive(context, {
    port: server.port,
    seed: context.seed,
    warmUpMs: 200,
    measureMs,
    coolDownMs: 0,
    streams: [STREAM],
  });
  const after = await server.ask<RawUsage>('usage');
  const stream = streamOf(result, STREAM.name);
  if (stream.completed !== stream.good) throw new Error(`${variant} refused some of a load that it should serve`);
  return {
    perSecond: stream.completedPerSecond,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / (after.requests - before.requests),
    p99Ms: stream.okLatency.p99Ms,
  };
}

const STREAM: StreamPlan = {
  name: 'trivial',
  method: 'GET',
  path: '/',
  arrivals: { kind: 'closed', callers: CONNECTIONS },
  deadlineMs: 5_000,
  unansweredAfterMs: 5_000,
};

function summarise(pairs: readonly Pair[]): Awaited<ReturnType<Section['run']>> {
  const of = (variant: RawVariant): readonly Pair[] => pairs.filter((pair) => pair.variant === variant);
  const ratio = (variant: RawVariant): number[] =>
    of(variant).map((pair) => pair.guarded.perSecond / pair.bare.perSecond);
  const row = (title: string, turns: readonly Turn[], ratios: string): string[] => [
    title,
    showSpread(spreadOf(turns.map((each) => each.perSecond))),
    ratios,
    spreadOf(turns.map((each) => each.cpuMicrosPerRequest)).median.toFixed(1),
  ];
  return {
    conditions: { pairs: of('sluice').length, connections: CONNECTIONS, answer: '{"ok":true}' },
    tables: [
      {
        title: 'A trivial route: each variant beside bare Express, in turns',
        columns: ['', 'requests/s', 'of bare', 'CPU µs per request'],
        rows: [
          row(
            RAW_TITLES.bare,
            pairs.map(({ bare }) => bare),
            '1',
          ),
          ...RAW_VARIANTS.slice(1).map((variant) =>
            row(
              RAW_TITLES[variant],
              of(variant).map(({ guarded }) => guarded),
              showSpread(spreadOf(ratio(variant)), 3),
            ),
          ),
        ],
      },
    ],
    checks: [
      {
        text: 'requests/s behind Sluice without headers, over bare Express (median of the pairs)',
        value: spreadOf(ratio('sluice')).median,
        bound: 0.92,
        kind: 'at least',
        unit: '',
      },
    ],
    data: pairs,
  };
}
