import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Fleet } from '../../examples/deploy/fleet.js';
import type { LoadPlan, StreamPlan } from '../load/plan.js';
import { startLoad } from '../load/start-load.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import { findProgram } from '../support/programs.js';
import { type Call, callsOf, checkoutStream } from './calls.js';
import { lasts } from './until.js';

/** The built shop, as `npm test` builds it. */
export const SHOP_FILE: string = fileURLToPath(new URL('../../dist/examples/shop/main.js', import.meta.url));

/** Small pools that are always full: sessions beyond the budget would be seen at once. */
export const POOL_SIZES: Readonly<Record<string, number>> = { CHECKOUT: 4, CATALOG: 3, REPORTS: 1, ADMIN: 1 };

/** Sessions of one shop. */
export const SESSIONS_EACH: number = Object.values(POOL_SIZES).reduce((sum, size) => sum + size, 0);

/**
 * For shops in processes of their own. What is judged is who is served, not how fast on a busy machine, so deadlines are
 * generous; buckets are lifted.
 */
export const SHOP_ENV: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(POOL_SIZES).flatMap(([pool, size]) => [
      [`SLUICE_POOL_${pool}_MAX`, String(size)],
      [`SLUICE_POOL_${pool}_MIN_IDLE`, String(size)],
      // All that can wait may: how much a busy machine works off before a deadline is not what is judged.
      [`SLUICE_POOL_${pool}_EVICTION`, 'false'],
    ]),
  ),
  SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000',
  SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: '100000',
  SLUICE_ROUTE_CHECKOUT_BURST: '100000',
  SLUICE_ROUTE_PRODUCT_DEADLINE_MS: '5000',
  SLUICE_MAX_EVENT_LOOP_LAG_MS: '0',
};

/** PostgreSQL with just the room that the budget of so many shops needs, 15 % of its connections being kept free. */
export function postgresFor(shops: number, settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const maxConnections = Math.ceil((shops * SESSIONS_EACH + 4) / 0.85);
  return startShopPostgres({
    settings: { fsync: 'off', autovacuum: 'off', max_connections: String(maxConnections), ...settings },
  });
}

/** Sessions that the server saw at most, looked at every 50 ms. */
export interface SessionWatch {
  readonly most: number;
  /** How often it was looked. */
  readonly looks: number;
  stop(): Promise<void>;
}

/** Counts the sessions of all shops, until it is stopped. */
export async function watchSessions(databaseUrl: string): Promise<SessionWatch> {
  const client = new pg.Client(databaseUrl);
  client.on('error', () => undefined);
  await client.connect();
  const watch = { most: 0, looks: 0 };
  const look = async (): Promise<void> => {
    const { rows } = await client.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where application_name = 'sluice-shop'",
    );
    watch.most = Math.max(watch.most, rows[0]?.n ?? 0);
    watch.looks += 1;
  };
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(look).catch(() => undefined);
  }, 50);
  return Object.assign(watch, {
    stop: async () => {
      clearInterval(timer);
      await running;
      await client.end();
    },
  });
}

/** Looks every 10 ms whether something is so; the test's own limit bounds it. */
export async function soon(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10);
}

/** A fleet under a load from other processes. */
export interface FleetBench {
  readonly postgres: PostgresServer;
  readonly fleet: Fleet;
  /** What the shops printed. */
  readonly lines: readonly string[];
  /**
   * Drives checkouts and product reads, open loop, as long as `work` takes.
   *
   * @returns Every call, with its instants in milliseconds since 1970.
   */
  loadWhile(work: () => Promise<void>): Promise<Call[]>;
  close(): Promise<void>;
}

/** Starts PostgreSQL, shops on it, HAProxy in front of them, and what is needed to load them. */
export async function startFleetBench(size: number, env: Readonly<Record<string, string>> = {}): Promise<FleetBench> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const postgres = await postgresFor(size);
    cleanups.push(() => postgres.close());
    const lines: string[] = [];
    const fleet = await Fleet.start({
      databaseUrl: postgres.url,
      shopFile: SHOP_FILE,
      haproxy: findProgram('haproxy'),
      size,
      env: { ...SHOP_ENV, ...env },
      log: (line) => lines.push(line),
    });
    cleanups.push(() => fleet.close());
    const loadWhile = (work: () => Promise<void>) => loadDuring(fleet.port, work);
    return { postgres, fleet, lines, loadWhile, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Work that lasts longer than this has gone wrong. */
const LONGEST_MS = 180_000;
/** For what comes after it to be seen, too. */
const AFTER_MS = 500;

const STREAMS: readonly StreamPlan[] = [
  checkoutStream('checkout', 60, { keepEvents: true }),
  {
    name: 'product',
    method: 'GET',
    path: '/products/{{int 1 1000}}',
    arrivals: { kind: 'poisson', ratePerSecond: 40 },
    deadlineMs: 500,
    unansweredAfterMs: 15_000,
    keepEvents: true,
  },
];

/** There is load from before the work until it is over. The instants of the calls are those of the day. */
export async function loadDuring(port: number, work: () => Promise<void>): Promise<Call[]> {
  let end: () => void = () => undefined;
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  const plan: LoadPlan = { port, seed: 1, warmUpMs: 0, measureMs: LONGEST_MS, coolDownMs: 0, streams: STREAMS };
  const loading = startLoad(plan, { ending });
  const working = work()
    .then(() => lasts(AFTER_MS))
    .finally(end);
  await Promise.allSettled([working, loading]);
  await working;
  const { streams, startedAtEpochMs } = await loading;
  return streams.flatMap(callsOf).map((call) => onWallClock(call, startedAtEpochMs));
}

function onWallClock(call: Call, startedAtEpochMs: number): Call {
  const { sentAtMs, endedAtMs } = call;
  return { ...call, sentAtMs: startedAtEpochMs + sentAtMs, endedAtMs: startedAtEpochMs + endedAtMs };
}
