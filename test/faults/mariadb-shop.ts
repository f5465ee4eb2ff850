import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gateway } from 'sluice';
import { expect } from 'vitest';
import { createShop } from '../../examples/shop/app.js';
import { busyParts, expectBalanced, LogBook } from '../integration/http/harness.js';
import type { StreamPlan } from '../load/plan.js';
import { startLoad } from '../load/start-load.js';
import { type MariadbServer, startMariadb } from '../support/mariadb-server.js';
import { type Call, callsOf } from './calls.js';
import { until } from './until.js';

/** The real shop on a real MariaDB in this process; its load comes from another one. */
export interface MariadbShop {
  readonly gateway: Gateway;
  readonly mariadb: MariadbServer;
  readonly log: LogBook;
  /** Drives these streams for so long, open loop. */
  load(runMs: number, streams: readonly StreamPlan[]): Promise<readonly Call[]>;
  /** A figure of the server since its start. */
  status(name: string): Promise<number>;
  /** No seat is taken, the counters agree, the server knows of no more sessions than the pools have, every call was answered. */
  expectAtRest(): Promise<void>;
  close(): Promise<void>;
}

/** How to start one. */
export interface MariadbShopOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly checkoutWorkMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Prepares the server. Returns the user whose account the shop takes; default: the administrator. */
  readonly arrange?: (mariadb: MariadbServer) => Promise<string>;
}

/** Buckets lifted: the seats are to be what is scarce. */
const LIFTED = { SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: '100000', SLUICE_ROUTE_CHECKOUT_BURST: '100000' };

/** Starts MariaDB, the shop on it and what is needed to load it. */
export async function startMariadbShop(options: MariadbShopOptions = {}): Promise<MariadbShop> {
  const { settings, checkoutWorkMs = 0, env, arrange } = options;
  const cleanups: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    const mariadb = await startMariadb(settings);
    cleanups.push(() => mariadb.close());
    const url = new URL(mariadb.url);
    const user = await arrange?.(mariadb);
    if (user !== undefined) [url.username, url.password] = [user, user];
    const log = new LogBook();
    const shop = await createShop({ databaseUrl: url.href, checkoutWorkMs, logger: log, env: { ...LIFTED, ...env } });
    const server = createServer(shop.app).listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
    cleanups.push(() => shop.close({ server, timeoutMs: 0 }));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return running(shop.gateway, mariadb, log, port, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function running(
  gateway: Gateway,
  mariadb: MariadbServer,
  log: LogBook,
  port: number,
  close: () => Promise<void>,
): MariadbShop {
  let unheard = 0;
  return {
    gateway,
    mariadb,
    log,
    close,
    load: async (runMs, streams) => {
      const plan = { port, seed: 1, warmUpMs: 0, measureMs: runMs, coolDownMs: 0 };
      const kept = streams.map((stream) => ({ ...stream, keepEvents: true }));
      const { streams: results } = await startLoad({ ...plan, streams: kept });
      const calls = results.flatMap(callsOf);
      unheard += calls.filter(({ status }) => status === 0).length;
      return calls;
    },
    status: async (name) => {
      const [row] = await mariadb.ask<{ Value: string } & import('mysql2').RowDataPacket>('SHOW GLOBAL STATUS LIKE ?', [
        name,
      ]);
      return Number(row?.Value);
    },
    expectAtRest: async () => {
      await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
      for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
      expect(unheard).toBe(0);
      const known = (): number => [...gateway.telemetry().pools()].reduce((sum, pool) => sum + pool.gauges().total, 0);
      // One of the server's sessions asks.
      let others = 0;
      await until(async () => {
        others = (await sessionsOf(mariadb)) - 1;
        return others === known();
      }).catch(() => expect(others, 'sessions of the server').toBe(known()));
    },
  };
}

async function sessionsOf(mariadb: MariadbServer): Promise<number> {
  const rows = await mariadb.ask("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Daemon'");
  return rows.length;
}
