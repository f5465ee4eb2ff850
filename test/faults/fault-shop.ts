import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { createShop } from '../../examples/shop/app.js';
import { prepareDatabase } from '../../examples/shop/database.js';
import { type PostgresServer, startPostgres } from '../../examples/support/postgres-server.js';
import type { RouteStats } from '../../src/telemetry/route-stats.js';
import { createTenantShop } from '../bench/tenants/tenant-shop.js';
import { busyParts, expectBalanced, LogBook } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import type { LoadPlan, LoadResult, StreamPlan } from '../load/plan.js';
import { startLoad } from '../load/start-load.js';
import { type Call, callsOf } from './calls.js';
import { prepareLoadWorker } from './load-worker.js';
import { until } from './until.js';

/**
 * For tests that compare figures: a machine whose other work takes the processor away makes any of them wrong now and
 * then, but a fault that is not borne is not borne three times.
 */
export const NOISE: { readonly retry: number; readonly timeout: number } = { retry: 2, timeout: 120_000 };

/** How to start a shop that a fault will meet. */
export interface FaultShopOptions {
  readonly checkoutWorkMs?: number;
  readonly reportWorkMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether checkouts belong to the tenant that their header names. */
  readonly tenants?: boolean;
}

/** The calls of a load by the name of their stream. */
export interface Outcome {
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  of(name: string): readonly Call[];
  readonly result: LoadResult;
}

/** The real shop on a real PostgreSQL in this process; its load comes from another one. */
export interface FaultShop {
  readonly gateway: Gateway;
  readonly port: number;
  readonly postgres: PostgresServer;
  readonly log: LogBook;
  stats(route: string): RouteStats;
  /** Requests that wait for a seat at this instant. */
  queued(): number;
  /** Drives these streams for so long, open loop, and keeps every call. */
  load(runMs: number, streams: readonly StreamPlan[]): Promise<Outcome>;
  /**
   * What must hold after every fault: no seat is taken and nobody is queued, the counters agree, sessions stay within
   * the budget, and of every load each request got exactly one answer.
   */
  expectAtRest(): Promise<void>;
  close(): Promise<void>;
}

/** Buckets lifted: the seats are to be what is scarce. */
const LIFTED: Readonly<Record<string, string>> = Object.fromEntries(
  ['CHECKOUT', 'PRODUCT', 'SALES_REPORT', 'ADMIN_ORDER'].flatMap((route) => [
    [`SLUICE_ROUTE_${route}_RATE_PER_SECOND`, '100000'],
    [`SLUICE_ROUTE_${route}_BURST`, '100000'],
  ]),
);

/** Starts PostgreSQL, the shop on it and what is needed to load it. */
export async function startFaultShop(options: FaultShopOptions = {}): Promise<FaultShop> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const postgres = await startPostgres({ settings: { fsync: 'off', autovacuum: 'off' } });
    cleanups.push(() => postgres.close());
    const worker = await prepareLoadWorker();
    cleanups.push(() => worker.remove());
    const log = new LogBook();
    const { app, gateway, drain } = await makeShop(postgres.url, options, log);
    const server = createServer(app).listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
    cleanups.push(() => drain(server));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return running(gateway, port, postgres, log, worker.file, close);
  } catch (error) {
    await close();
    throw error;
  }
}

interface Made {
  readonly app: Parameters<typeof createServer>[1] & object;
  readonly gateway: Gateway;
  drain(server: Server): Promise<unknown>;
}

async function makeShop(databaseUrl: string, options: FaultShopOptions, logger: LogBook): Promise<Made> {
  const { checkoutWorkMs = 0, reportWorkMs = 0, tenants = false } = options;
  const common = { databaseUrl, checkoutWorkMs, reportWorkMs, logger, env: { ...LIFTED, ...options.env } };
  if (tenants) {
    await prepareDatabase(databaseUrl);
    const { app, gateway } = await createTenantShop(common);
    return { app, gateway, drain: (server) => gateway.drain({ server, timeoutMs: 0 }) };
  }
  const shop = await createShop(common);
  return { app: shop.app, gateway: shop.gateway, drain: (server) => shop.close({ server, timeoutMs: 0 }) };
}

function running(
  gateway: Gateway,
  port: number,
  postgres: PostgresServer,
  log: LogBook,
  workerFile: string,
  close: () => Promise<void>,
): FaultShop {
  const stats = (route: string): RouteStats => gateway.entry(route).runtime.stats;
  let sent = 0;
  let unheard = 0;
  const arrived = (): number => [...gateway.telemetry().routes()].reduce((sum, route) => sum + route.stats.arrived, 0);
  return {
    gateway,
    port,
    postgres,
    log,
    stats,
    queued: () =>
      [...gateway.telemetry().pools()].reduce(
        (sum, { seats }) => sum + seats.queuedByClass.reduce((all, count) => all + count, 0),
        0,
      ),
    load: async (runMs, streams) => {
      const arrivedBefore = arrived();
      const plan: LoadPlan = {
        port,
        seed: 1,
        warmUpMs: 0,
        measureMs: runMs,
        coolDownMs: 0,
        streams: streams.map(kept),
      };
      const result = await startLoad(plan, { workerFile });
      const calls = new Map(result.streams.map((stream) => [stream.name, callsOf(stream)]));
      const all = [...calls.values()].flat();
      sent += all.length;
      unheard += all.filter((call) => call.status === 0).length;
      expect(arrived() - arrivedBefore, 'requests that reached a guard').toBe(all.length);
      return { calls, result, of: (name) => calls.get(name) ?? [] };
    },
    expectAtRest: async () => {
      await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
      for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
      const pools = [...gateway.telemetry().pools()].map((pool) => pool.gauges());
      const budget = pools.reduce((sum, { max }) => sum + max, 0);
      const sessions = await ask(
        postgres.url,
        "SELECT pid, state FROM pg_stat_activity WHERE application_name = 'sluice-shop'",
      );
      expect(sessions.length).toBeLessThanOrEqual(budget);
      expect(sessions.filter(({ state }) => state !== 'idle')).toEqual([]);
      expect({ sent, unheard }).toEqual({ sent, unheard: 0 });
    },
    close,
  };
}

function kept(stream: StreamPlan): StreamPlan {
  return { ...stream, keepEvents: true };
}
