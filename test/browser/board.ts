import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { createGateway, type Gateway, type Logger } from 'sluice';
import { type OperationsOptions, operations, problemHandler, protect } from 'sluice/express';
import { type Clock, systemClock } from '../../src/clock.js';
import type { StreamPlan } from '../load/plan.js';
import { runPlan } from '../load/run-plan.js';

/** A small application with its dashboard at `/ops/board`, on real PostgreSQL. */
export interface Board {
  readonly gateway: Gateway;
  readonly server: Server;
  readonly origin: string;
  /** Where the dashboard is. */
  readonly url: string;
  /** Sends so many checkouts and reports a second until it is told to stop. */
  load(checkouts: number, reports: number): { stop(): Promise<void> };
  /** Streams of events that are open. */
  watchers(): number;
  close(): Promise<void>;
}

/** How to {@link startBoard}. */
export interface BoardOptions {
  readonly databaseUrl: string;
  readonly port?: number;
  readonly operations?: OperationsOptions;
  readonly logger?: Logger;
  readonly decisionLogRecords?: number;
  readonly clock?: Clock;
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function startBoard({
  databaseUrl,
  port = 0,
  logger = SILENT,
  decisionLogRecords = 0,
  clock = systemClock,
  ...rest
}: BoardOptions): Promise<Board> {
  const gateway = await createGateway(
    {
      readinessDelayMs: 0,
      maxEventLoopLagMs: 0,
      ratePerSecond: 5_000,
      decisionLogRecords,
      pools: { checkout: { url: databaseUrl, max: 4 }, reports: { url: databaseUrl, max: 2, yieldsTo: 'checkout' } },
      routes: {
        checkout: { pool: 'checkout', priority: 'critical', ratePerSecond: 400, burst: 800, deadlineMs: 500 },
        report: {
          pool: 'reports',
          priority: 'low',
          ratePerSecond: 5,
          burst: 5,
          deadlineMs: 5_000,
          perCaller: { key: () => undefined, ratePerSecond: 3, burst: 3 },
        },
        export: { pool: 'checkout', priority: 'low', deadlineMs: 10_000 },
      },
    },
    { env: {}, logger, clock },
  );
  const app = express();
  let watchers = 0;
  app.use('/ops/board/events', (_req, res, next) => {
    watchers += 1;
    res.once('close', () => {
      watchers -= 1;
    });
    next();
  });
  app.use('/ops/board', operations(gateway, rest.operations ?? { public: true }));
  app.get('/checkout', protect(gateway, 'checkout'), async (req, res) => {
    await req.sluice.query('select pg_sleep(0.02)');
    res.json({ ok: true });
  });
  app.get('/report', protect(gateway, 'report'), async (req, res) => {
    await req.sluice.query('select pg_sleep(0.3)');
    res.json({ ok: true });
  });
  app.use(problemHandler());
  const server = createServer(app).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    gateway,
    server,
    origin,
    url: `${origin}/ops/board`,
    load: (checkouts, reports) => load(address.port, checkouts, reports),
    watchers: () => watchers,
    close: () => gateway.drain({ server, timeoutMs: 0 }),
  };
}

/** Longer than any test needs; each ends its load itself. */
const LONGEST_MS = 60_000;

function load(port: number, checkouts: number, reports: number): { stop(): Promise<void> } {
  const stream = (name: string, ratePerSecond: number): StreamPlan => ({
    name,
    method: 'GET',
    path: `/${name}`,
    arrivals: { kind: 'poisson', ratePerSecond },
    deadlineMs: 500,
    unansweredAfterMs: 6_000,
  });
  const streams = [stream('checkout', checkouts), stream('report', reports)];
  const ended = new AbortController();
  const plan = { port, seed: 7, warmUpMs: 0, measureMs: LONGEST_MS, coolDownMs: 0, streams };
  const run = runPlan(plan, ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  return {
    stop: async () => {
      ended.abort();
      await run;
    },
  };
}
