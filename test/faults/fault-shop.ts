import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { createShop } from '../../examples/shop/app.js';
import { prepareDatabase } from '../../examples/shop/database.js';
import type { RouteStats } from '../../src/telemetry/route-stats.js';
import type { PoolTelemetry } from '../../src/telemetry/source.js';
import { createTenantShop } from '../bench/tenants/tenant-shop.js';
import { LogBook } from '../integration/http/harness.js';
import type { LoadPlan, LoadResult, StreamPlan } from '../load/plan.js';
import { startLoad } from '../load/start-load.js';
import { type PostgresServer, startShopPostgres } from '../support/postgres.js';
import { type Call, callsOf } from './calls.js';
import { FaultRelay } from './fault-relay.js';
import { type Answers, Invariants } from './invariants.js';
import { MachineNoise } from './machine-noise.js';

/**
 * For tests that compare figures, in a file `*.alone.faults.ts`, beside which no other runs: a machine whose other work takes the processor away makes any of them wrong now and
 * then, but a fault that is not borne is not borne three times.
 */
export const NOISE: { readonly retry: number } = { retry: 2 };

/** How to start a shop that a fault will meet. */
export interface FaultShopOptions {
  readonly checkoutWorkMs?: number;
  readonly reportWorkMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether checkouts belong to the tenant that their header names. */
  readonly tenants?: boolean;
  /** Settings of the server, beside those that make it fast. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether the shop reaches its server through {@link FaultShop.relay}. */
  readonly relayed?: boolean;
  /** Whether `arrange` puts a pooler in between, which has sessions of its own. */
  readonly pooled?: boolean;
  /** Prepares the server before the shop starts. Returns what is to be added to `env`. */
  readonly arrange?: (
    server: PostgresServer,
    relay: FaultRelay | undefined,
  ) => Promise<Readonly<Record<string, string>>>;
}

/** The calls of a load by the name of their stream. */
export interface Outcome {
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  of(name: string): readonly Call[];
  readonly result: LoadResult;
  /** How late the machine itself made shop and callers at worst, in milliseconds: what a figure may be off by. */
  readonly noiseMs: number;
}

/** The real shop on a real PostgreSQL in this process; its load comes from another one. */
export interface FaultShop {
  readonly gateway: Gateway;
  readonly port: number;
  readonly postgres: PostgresServer;
  /**
   * What stands between the shop and its server.
   *
   * @throws Error unless the shop was started with `relayed`.
   */
  readonly relay: FaultRelay;
  readonly log: LogBook;
  /** @throws Error when the shop has no such pool. */
  pool(name: string): PoolTelemetry;
  stats(route: string): RouteStats;
  /** Requests that wait for a seat at this instant. */
  queued(): number;
  /**
   * Drives these streams for so long, open loop, and keeps every call.
   *
   * @param ending - Once it resolves nothing more is sent.
   */
  load(runMs: number, streams: readonly StreamPlan[], ending?: Promise<unknown>): Promise<Outcome>;
  /** Work outside HTTP, counted with the requests. */
  run: Gateway['run'];
  /** What must hold after every fault: see {@link Invariants.expect}. */
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
  const cleanups: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const settings = { fsync: 'off', autovacuum: 'off', ...options.settings };
    const postgres = await startShopPostgres({ settings });
    cleanups.push(() => postgres.close());
    const relay = options.relayed ? await FaultRelay.to({ host: '127.0.0.1', port: postgres.port }) : undefined;
    if (relay !== undefined) cleanups.push(() => relay.close());
    const log = new LogBook();
    const env = { ...LIFTED, ...options.env, ...(await options.arrange?.(postgres, relay)) };
    const databaseUrl = relay === undefined ? postgres.url : urlThrough(postgres.url, relay);
    const { app, gateway, drain } = await makeShop(databaseUrl, { ...options, env }, log);
    const server = createServer(app).listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
    cleanups.push(() => drain(server));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answers = { sent: 0, unheard: 0 };
    const invariants = new Invariants(gateway, postgres.url, answers, options.pooled);
    cleanups.push(() => invariants.stop());
    return running({ gateway, port, postgres, relay, log, answers, invariants, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** The same database, at the address of a relay. */
export function urlThrough(url: string, relay: FaultRelay): string {
  const through = new URL(url);
  through.port = String(relay.address.port);
  return through.href;
}

interface Made {
  readonly app: Parameters<typeof createServer>[1] & object;
  readonly gateway: Gateway;
  drain(server: Server): Promise<unknown>;
}

async function makeShop(databaseUrl: string, options: FaultShopOptions, logger: LogBook): Promise<Made> {
  const { checkoutWorkMs = 0, reportWorkMs = 0, tenants = false, env = {} } = options;
  const common = { databaseUrl, checkoutWorkMs, reportWorkMs, logger, env };
  if (tenants) {
    await prepareDatabase(databaseUrl);
    const { app, gateway } = await createTenantShop(common);
    return { app, gateway, drain: (server) => gateway.drain({ server, timeoutMs: 0 }) };
  }
  const shop = await createShop(common);
  return { app: shop.app, gateway: shop.gateway, drain: (server) => shop.close({ server, timeoutMs: 0 }) };
}

interface Running {
  readonly gateway: Gateway;
  readonly port: number;
  readonly postgres: PostgresServer;
  readonly relay: FaultRelay | undefined;
  readonly log: LogBook;
  readonly answers: Answers;
  readonly invariants: Invariants;
  readonly close: () => Promise<void>;
}

function running({ gateway, port, postgres, relay, log, answers, invariants, close }: Running): FaultShop {
  const stats = (route: string): RouteStats => gateway.entry(route).runtime.stats;
  const arrived = (): number => [...gateway.telemetry().routes()].reduce((sum, route) => sum + route.stats.arrived, 0);
  // Work outside HTTP arrives as well, also while a load is on.
  let runs = 0;
  const loadOnce: FaultShop['load'] = async (runMs, streams, ending) => {
    const before = arrived() - runs;
    const plan: LoadPlan = {
      port,
      seed: 1,
      warmUpMs: 0,
      measureMs: runMs,
      coolDownMs: 0,
      streams: streams.map(kept),
    };
    const noise = new MachineNoise();
    const result = await startLoad(plan, ending === undefined ? {} : { ending });
    const sentLateMs = Math.max(...result.streams.map(({ sendLag }) => sendLag.maxMs));
    const noiseMs = noise.stop() + sentLateMs;
    const calls = new Map(result.streams.map((stream) => [stream.name, callsOf(stream)]));
    const all = [...calls.values()].flat();
    answers.sent += all.length;
    answers.unheard += all.filter((call) => call.status === 0).length;
    expect(arrived() - runs - before, 'requests that reached a guard').toBe(all.length);
    return { calls, result, noiseMs, of: (name) => calls.get(name) ?? [] };
  };
  return {
    gateway,
    port,
    postgres,
    log,
    stats,
    close,
    get relay() {
      if (relay === undefined) throw new Error('the shop was started without a relay: set relayed');
      return relay;
    },
    pool: (name) => {
      const pool = [...gateway.telemetry().pools()].find((each) => each.name === name);
      if (pool === undefined) throw new Error(`the shop has no pool "${name}"`);
      return pool;
    },
    queued: () =>
      [...gateway.telemetry().pools()].reduce(
        (sum, { seats }) => sum + seats.queuedByClass.reduce((all, count) => all + count, 0),
        0,
      ),
    run: (...work) => {
      runs += 1;
      return gateway.run(...work);
    },
    load: (...load) => {
      const loading = loadOnce(...load);
      // A test that fails before it asks how this went is not to fail the next one, too.
      loading.catch(() => undefined);
      return loading;
    },
    expectAtRest: () => invariants.expect(),
  };
}

function kept(stream: StreamPlan): StreamPlan {
  return { ...stream, keepEvents: true };
}
