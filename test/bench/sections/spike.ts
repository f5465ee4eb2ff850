import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../../examples/support/postgres-server.js';
import { Relay } from '../../contract/relay.js';
import type { BenchContext, Check, Section, SectionResult } from '../section.js';
import { runForAnswer } from '../servers.js';
import { SPIKE_CONTENDERS, SPIKE_TITLES, type SpikeContender, type SpikeRun } from '../spike/contenders.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';

const MAIN = fileURLToPath(new URL('../spike/main.js', import.meta.url));
const CALLERS = 50;
const WORK_MS = 2;
const CONNECT_MS = 150;
/** One spike is over in a blink, so each repeat has a few. */
const SPIKES = 5;

/** One spike, in the figures that count. */
interface SpikeFigures {
  readonly p50Ms: number;
  readonly maxMs: number;
  readonly opened: number;
}

type Figures = ReadonlyMap<SpikeContender, readonly SpikeFigures[]>;

/** Many callers at once before a pool that is mostly not open yet, and a server that takes its time to open. */
export const spike: Section = {
  name: 'spike',
  about: `${CALLERS} callers at once before a pool with 5 warm connections, where a connect takes ${CONNECT_MS} ms`,
  async run(context) {
    const server = await startPostgres({ settings: DATABASE_SETTINGS });
    const relay = await Relay.to({ host: '127.0.0.1', port: server.port });
    relay.firstAnswerDelayMs = CONNECT_MS;
    const url = new URL(server.url);
    url.port = String(relay.address.port);
    try {
      return summarise(await measure(context, url.href));
    } finally {
      await relay.close();
      await server.close();
    }
  },
};

async function measure(context: BenchContext, url: string): Promise<Figures> {
  const figures = new Map<SpikeContender, SpikeFigures[]>(SPIKE_CONTENDERS.map((name) => [name, []]));
  for (let round = 0; round < context.repeats * SPIKES; round += 1) {
    for (const name of SPIKE_CONTENDERS) {
      const run = await runForAnswer<SpikeRun>(context, MAIN, [name, url, String(CALLERS), String(WORK_MS)]);
      figures.get(name)?.push(figuresOf(run));
    }
    context.note(`spike ${round + 1}/${context.repeats * SPIKES}`);
  }
  return figures;
}

function figuresOf({ tookMs, opened }: SpikeRun): SpikeFigures {
  const { median, max } = spreadOf(tookMs);
  return { p50Ms: median, maxMs: max, opened };
}

function summarise(figures: Figures): SectionResult {
  const of = (name: SpikeContender, pick: (one: SpikeFigures) => number): ReturnType<typeof spreadOf> =>
    spreadOf((figures.get(name) ?? []).map(pick));
  const check = (text: string, pick: (one: SpikeFigures) => number, bound: number): Check => ({
    text,
    value: of('sluice', pick).median,
    bound,
    kind: 'at most',
    unit: 'ms',
  });
  return {
    conditions: {
      callers: CALLERS,
      workMs: WORK_MS,
      connectMs: CONNECT_MS,
      spikes: of('sluice', (one) => one.p50Ms).values.length,
    },
    tables: [
      {
        title: `${CALLERS} callers at once, each with ${WORK_MS} ms of work; a connect takes ${CONNECT_MS} ms`,
        columns: ['', 'p50, ms', 'last answer, ms', 'connections opened'],
        rows: SPIKE_CONTENDERS.map((name) => [
          SPIKE_TITLES[name],
          showSpread(of(name, (one) => one.p50Ms)),
          showSpread(of(name, (one) => one.maxMs)),
          showSpread(of(name, (one) => one.opened)),
        ]),
      },
    ],
    checks: [
      check('p50 of a spike, median', (one) => one.p50Ms, 20),
      check('last answer of a spike, median', (one) => one.maxMs, 35),
    ],
    data: Object.fromEntries(figures),
  };
}
