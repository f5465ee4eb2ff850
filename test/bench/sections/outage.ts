import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from '../../load/plan.js';
import { CHECKOUT_WORK_MS, checkouts, LIFTED_BUCKETS, workEnvironment } from '../scenario.js';
import type { BenchContext, Check, Section, SectionResult } from '../section.js';
import { drive, startShop, streamOf, withServer } from '../servers.js';
import { type BenchDatabase, startDatabase } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { figuresOf, type OutageFigures, type OutageTimes } from './outage-figures.js';

const CHECKOUTS_PER_SECOND = 150;
const DEADLINE_MS = 3_000;
/** From the order to stop until the order to start again; with the start itself it stays below 2 s. */
const AWAY_MS = 1_500;
const LEAD_MS = 4_000;
const TAIL_MS = 5_000;

/** The database stops and returns within 2 s under load that can wait that long. */
export const outage: Section = {
  name: 'outage',
  about: 'which requests fail when the database restarts under load, and how soon it goes on',
  async run(context) {
    const database = await startDatabase(context.signal);
    try {
      const figures: OutageFigures[] = [];
      for (let repeat = 0; repeat < context.repeats; repeat += 1) {
        await database.reset();
        const one = await restartUnderLoad(context, database, context.seed + repeat);
        figures.push(one);
        context.note(
          `outage ${repeat + 1}/${context.repeats}: away ${one.awayMs.toFixed(0)} ms, ${one.failed} failed, ` +
            `first success after ${one.firstSuccessMs.toFixed(0)} ms`,
        );
      }
      return summarise(figures);
    } finally {
      await database.close();
    }
  },
};

async function restartUnderLoad(context: BenchContext, database: BenchDatabase, seed: number): Promise<OutageFigures> {
  const env = {
    ...workEnvironment(database.url),
    ...LIFTED_BUCKETS,
    SLUICE_MODE: 'enforce',
    SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: String(DEADLINE_MS),
  };
  const stream = checkouts({ kind: 'poisson', ratePerSecond: CHECKOUTS_PER_SECOND }, DEADLINE_MS);
  return withServer(startShop(context, env), async ({ port }) => {
    const loading = drive(context, {
      port,
      seed,
      warmUpMs: 0,
      measureMs: LEAD_MS + AWAY_MS + TAIL_MS,
      coolDownMs: 0,
      streams: [{ ...stream, keepEvents: true }],
    });
    const [result, times] = await Promise.all([loading, restart(context, database)]);
    return figures(result, times);
  });
}

async function restart(context: BenchContext, { server }: BenchDatabase): Promise<OutageTimes> {
  await delay(LEAD_MS, undefined, { signal: context.signal });
  const stoppingAtMs = Date.now();
  await server.stop();
  const goneAtMs = Date.now();
  await delay(Math.max(0, AWAY_MS - (goneAtMs - stoppingAtMs)), undefined, { signal: context.signal });
  await server.start();
  return { stoppingAtMs, goneAtMs, acceptingAtMs: Date.now() };
}

function figures(result: LoadResult, times: OutageTimes): OutageFigures {
  const { events } = streamOf(result, 'checkout');
  if (events === undefined) throw new Error('the load kept no events');
  return figuresOf(events, result.startedAtEpochMs, times);
}

function summarise(all: readonly OutageFigures[]): SectionResult {
  const of = (pick: (one: OutageFigures) => number): string => showSpread(spreadOf(all.map(pick)));
  const worst = (text: string, pick: (one: OutageFigures) => number, bound: number, unit: string): Check => ({
    text,
    value: Math.max(...all.map(pick)),
    bound,
    kind: 'at most',
    unit,
  });
  return {
    conditions: {
      checkoutsPerSecond: CHECKOUTS_PER_SECOND,
      checkoutWorkMs: CHECKOUT_WORK_MS,
      deadlineMs: DEADLINE_MS,
      repeats: all.length,
      stop: 'fast (SIGINT to the postmaster)',
    },
    tables: [
      {
        title: `The database restarts under ${CHECKOUTS_PER_SECOND} checkouts/s with a deadline of ${DEADLINE_MS} ms`,
        columns: ['', 'median (range)'],
        rows: [
          ['database away, ms', of((one) => one.awayMs)],
          ['in flight or queued when it stopped', of((one) => one.open)],
          ['failed', of((one) => one.failed)],
          ['of these: arrived after it was gone', of((one) => one.failedLater)],
          ['waited for its return and succeeded', of((one) => one.waited)],
          ['first success after it accepts again, ms', of((one) => one.firstSuccessMs)],
        ],
      },
    ],
    checks: [
      worst('failed although they arrived after the database was gone, worst repeat', (one) => one.failedLater, 0, ''),
      worst(
        'failed beyond those that were in flight when it stopped, worst repeat',
        (one) => Math.max(0, one.failed - one.open),
        0,
        '',
      ),
      worst('first success after the database accepts again, worst repeat', (one) => one.firstSuccessMs, 500, 'ms'),
    ],
    data: all,
  };
}
