import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../../examples/support/postgres-server.js';
import { Relay } from '../../contract/relay.js';
import { CAN_FILTER, Firewall } from '../../faults/firewall.js';
import {
  DOWN_CONTENDERS,
  DOWN_TITLES,
  type DownContender,
  type DownRun,
  PATIENCE_MS,
} from '../database-down/contenders.js';
import type { BenchContext, Check, Section, SectionResult } from '../section.js';
import { runForAnswer } from '../servers.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { type DownFigures, type DownTimes, figuresOf } from './database-down-figures.js';

const MAIN = fileURLToPath(new URL('../database-down/main.js', import.meta.url));
const EVERY_MS = 1_000;
/** For all processes to be there. */
const BEFORE_MS = 3_000;
/** Between two calls, so that none is under way. */
const LEAD_MS = 3_500;
const TAIL_MS = 6_500;
const HOW = CAN_FILTER ? 'all packets are dropped' : 'a relay passes nothing on';

/** The way to the database swallows everything for a time, in the way of HikariCP's challenge of this name. */
export const databaseDown: Section = {
  name: 'database-down',
  about: 'how long a call takes, one a second, while the network to the database swallows everything',
  async run(context) {
    const downMs = context.quick ? 5_000 : 20_000;
    const server = await startPostgres({ settings: DATABASE_SETTINGS });
    const relay = await Relay.to({ host: '127.0.0.1', port: server.port });
    const url = new URL(server.url);
    url.port = String(relay.address.port);
    const figures = new Map<DownContender, DownFigures[]>(DOWN_CONTENDERS.map((name) => [name, []]));
    try {
      for (let repeat = 0; repeat < context.repeats; repeat += 1) {
        await takeAway(context, relay, url.href, downMs, figures);
        context.note(`database-down ${repeat + 1}/${context.repeats}`);
      }
    } finally {
      await relay.close();
      await server.close();
    }
    return summarise(figures, downMs);
  },
};

/** All contenders at once, each in a process of its own: one call a second is no load. */
async function takeAway(
  context: BenchContext,
  relay: Relay,
  url: string,
  downMs: number,
  figures: ReadonlyMap<DownContender, DownFigures[]>,
): Promise<void> {
  const startAtMs = Date.now() + BEFORE_MS;
  const calls = Math.round((LEAD_MS + downMs + TAIL_MS) / EVERY_MS);
  const args = [url, startAtMs, calls, EVERY_MS].map(String);
  const running = DOWN_CONTENDERS.map((name) => runForAnswer<DownRun>(context, MAIN, [name, ...args]));
  const [times, ...runs] = await Promise.all([swallow(context, relay, startAtMs + LEAD_MS, downMs), ...running]);
  for (const [index, run] of runs.entries()) {
    const name = DOWN_CONTENDERS[index];
    if (name !== undefined) figures.get(name)?.push(figuresOf(run, times));
  }
}

async function swallow({ signal }: BenchContext, relay: Relay, atMs: number, downMs: number): Promise<DownTimes> {
  const firewall = new Firewall();
  await delay(atMs - Date.now(), undefined, { signal });
  try {
    if (CAN_FILTER) firewall.set('DROP', relay.address.port);
    else relay.silence();
    const goneAtMs = Date.now();
    await delay(downMs, undefined, { signal });
    return { goneAtMs, backAtMs: Date.now() };
  } finally {
    if (CAN_FILTER) firewall.lift();
    else relay.resume();
  }
}

function summarise(figures: ReadonlyMap<DownContender, readonly DownFigures[]>, downMs: number): SectionResult {
  const of = (name: DownContender, pick: (one: DownFigures) => number): ReturnType<typeof spreadOf> =>
    spreadOf((figures.get(name) ?? []).map(pick));
  const check = (text: string, pick: (one: DownFigures) => number, bound: number): Check => ({
    text: `database down: ${text}`,
    value: of('sluice', pick).median,
    bound,
    kind: 'at most',
    unit: 'ms',
  });
  return {
    conditions: {
      callsPerSecond: 1_000 / EVERY_MS,
      downMs,
      how: HOW,
      max: 5,
      patienceMs: PATIENCE_MS,
      repeats: of('sluice', (one) => one.longestMs).values.length,
    },
    tables: [
      {
        title: `One call a second; for ${downMs / 1_000} s ${HOW}`,
        columns: ['', 'median of a failure, ms', 'longest call, ms', 'stuck until the end', 'first success after, ms'],
        rows: DOWN_CONTENDERS.map((name) => [
          DOWN_TITLES[name],
          showSpread(of(name, (one) => one.medianFailureMs)),
          showSpread(of(name, (one) => one.longestMs)),
          showSpread(of(name, (one) => one.stuck)),
          showSpread(of(name, (one) => one.recoveredMs)),
        ]),
      },
    ],
    checks: [
      check('the longest call, with a deadline of 2 s', (one) => one.longestMs, PATIENCE_MS + 25),
      check('the median of a failure', (one) => one.medianFailureMs, 10),
      // A second for the prober, and up to one more until somebody asks.
      check('first success after its return, at one call a second', (one) => one.recoveredMs, 1_000 + EVERY_MS),
    ],
    data: Object.fromEntries(figures),
  };
}
