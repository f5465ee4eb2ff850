import { fileURLToPath } from 'node:url';
import type { StreamPlan } from '../../load/plan.js';
import { type ServerProcess, startServer } from '../../load/server-process.js';
import { RAW_TITLES, RAW_VARIANTS, type RawUsage, type RawVariant } from '../raw/variants.js';
import type { BenchContext, Section } from '../section.js';
import { drive, streamOf } from '../servers.js';
import { startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';

/** Servers are started anew so often: how well a process warms up is partly luck. */
const GENERATIONS = 3;
const PAIRS_EACH = 3;
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

/**
 * A variant and a bare server of its own, which rests as long between its turns: one bare server for all variants would
 * never cool down, and be some 5 % faster for that alone. Bare Express beside itself shows what is left of such effects.
 */
interface Couple {
  readonly variant: RawVariant;
  readonly bare: ServerProcess;
  readonly guarded: ServerProcess;
}

/** What the path of an admitted request costs: a trivial route, as fast as 32 connections can ask. */
export const raw: Section = {
  name: 'raw',
  about: 'requests/s and CPU per request of a trivial route, bare and behind guards',
  async run(context) {
    const database = await startDatabase(context.signal);
    const pairs: Pair[] = [];
    try {
      for (let generation = 1; generation <= (context.quick ? 1 : GENERATIONS); generation += 1) {
        const couples: Couple[] = [];
        try {
          for (const variant of RAW_VARIANTS) couples.push(await startCouple(context, variant, database.url));
          pairs.push(...(await measure(context, couples, generation)));
        } finally {
          for (const { bare, guarded } of couples) await Promise.all([bare.stop(), guarded.stop()]);
        }
      }
      return summarise(pairs);
    } finally {
      await database.close();
    }
  },
};

async function startCouple(context: BenchContext, variant: RawVariant, url: string): Promise<Couple> {
  const start = (args: readonly string[]): Promise<ServerProcess> =>
    startServer(SERVER, { args, env: { DATABASE_URL: url }, signal: context.signal });
  const bare = await start(['bare']);
  try {
    return { variant, bare, guarded: await start([variant]) };
  } catch (error) {
    await bare.stop();
    throw error;
  }
}

/** Every other pair begins with the other one, so that what drifts favours neither. */
async function measure(context: BenchContext, couples: readonly Couple[], generation: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const measureMs = context.quick ? 600 : 2_000;
  // Two turns each: what is compiled after the first is settled in the second.
  for (let warmUp = 0; warmUp < 2; warmUp += 1) {
    for (const { bare, guarded } of couples) {
      await turn(context, bare, context.quick ? 500 : 1_500);
      await turn(context, guarded, context.quick ? 500 : 1_500);
    }
  }
  for (let round = 0; round < PAIRS_EACH; round += 1) {
    for (const { variant, bare, guarded } of couples) {
      const bareFirst = (round + generation) % 2 === 0;
      const first = await turn(context, bareFirst ? bare : guarded, measureMs);
      const second = await turn(context, bareFirst ? guarded : bare, measureMs);
      pairs.push(bareFirst ? { variant, bare: first, guarded: second } : { variant, bare: second, guarded: first });
    }
    context.note(`raw: pair ${round + 1} of each variant, servers started ${generation} times`);
  }
  return pairs;
}

async function turn(context: BenchContext, server: ServerProcess, measureMs: number): Promise<Turn> {
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
  if (stream.completed !== stream.good) throw new Error('a server refused some of a load that it should serve');
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
        title: 'A trivial route: each variant beside a bare Express of its own, in turns',
        columns: ['', 'requests/s', 'of bare', 'CPU µs per request'],
        rows: [
          row(
            RAW_TITLES.bare,
            pairs.map(({ bare }) => bare),
            `beside itself ${showSpread(spreadOf(ratio('bare')), 3)}`,
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
