import pg from 'pg';
import { createGateway, type Gateway, type GatewayOptions, MissingRightsError } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PoolSnapshot } from '../../../src/telemetry/snapshot.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

let postgres: PostgresServer;
let gateway: Gateway | undefined;
let log: LogBook;
const others: pg.Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
  await ask(postgres.url, "CREATE ROLE app LOGIN PASSWORD 'app' IN ROLE pg_monitor");
  await ask(postgres.url, "CREATE ROLE narrow LOGIN PASSWORD 'app'");
});
beforeEach(() => {
  log = new LogBook();
});
afterEach(async () => {
  await Promise.all(others.splice(0).map((client) => client.end()));
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
});
afterAll(() => postgres.close());

function urlOf(user: string, database = 'postgres'): string {
  return `postgres://${user}:app@127.0.0.1:${postgres.port}/${database}`;
}

async function start(options: GatewayOptions): Promise<Gateway> {
  gateway = await createGateway({ maxEventLoopLagMs: 0, ...options }, { env: {}, logger: log });
  return gateway;
}

function poolOf(name: string): PoolSnapshot | undefined {
  return gateway?.snapshot().pools.find((pool) => pool.name === name);
}

/** Takes what the server still gives to ordinary users. */
async function takeTheRest(): Promise<number> {
  for (;;) {
    const client = new pg.Client({ connectionString: urlOf('app') });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch {
      return others.length;
    }
    others.push(client);
  }
}

describe('SIZ-7 SEG-10: an admin pool', () => {
  it('gets in, 1,000 times of 1,000, while the other pools are full and the server has no connection left', async () => {
    const running = await start({
      pools: {
        main: { url: urlOf('app'), max: 6 },
        // Both would take its connections away from any other pool.
        admin: { url: urlOf('app'), max: 3, admin: true, idleTimeoutMs: 50, maxLifetimeMs: 100 },
      },
      routes: {
        work: { pool: 'main', deadlineMs: 60_000, maxQueued: 20 },
        look: { pool: 'admin', priority: 'high', deadlineMs: 1_000 },
      },
    });
    await until(() => poolOf('admin')?.connections.idle === 3);
    const hogs = Array.from({ length: 26 }, () =>
      running.run('work', (handle) => handle.query('SELECT pg_sleep(30)')).catch((error: unknown) => error),
    );
    await until(() => poolOf('main')?.connections.inUse === 6);
    expect(await takeTheRest()).toBeGreaterThan(5);
    await until(() => poolOf('admin')?.connections.idle === 3);
    const from = performance.now();
    for (let i = 0; i < 1_000; i += 1) {
      const { rows } = await running.run('look', (handle) => handle.query<{ n: number }>('SELECT 1 AS n'));
      expect(rows).toEqual([{ n: 1 }]);
    }
    // Long enough that a lifetime would have ended them.
    expect(performance.now() - from).toBeGreaterThan(110);
    expect(poolOf('admin')?.connections).toMatchObject({ opened: 3, total: 3, granted: 3, connectFailures: 0 });
    await gateway?.drain({ timeoutMs: 0 });
    await Promise.all(hogs);
  });
});

describe('what the server grants', () => {
  /** While a gateway runs: one that starts would see that it does not fit. */
  const allow = (connections: number): Promise<unknown> =>
    ask(postgres.url, `ALTER ROLE narrow CONNECTION LIMIT ${connections}`);
  afterEach(() => allow(-1));

  it('SIZ-6 F13: bounds the seats, shows in the snapshot, and both follow when it grants more', async () => {
    const running = await start({
      pools: { main: { url: urlOf('narrow'), max: 4, minIdle: 1 } },
      routes: { work: { pool: 'main', deadlineMs: 60_000 } },
    });
    await allow(2);
    let stop = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) await running.run('work', (handle) => handle.query('SELECT pg_sleep(0.01)'));
    });
    await until(() => poolOf('main')?.connections.granted === 2);
    expect(poolOf('main')?.seats).toMatchObject({ limit: 2, max: 4 });
    // Those admitted before go on to their end; from then on nobody waits for a connection with a seat in hand.
    await until(() => poolOf('main')?.seats.inFlight === 2);
    expect(poolOf('main')?.connections.acquiring).toBe(0);
    expect(log.of('database_connections_exhausted')).toHaveLength(1);
    await allow(10);
    await until(() => poolOf('main')?.connections.total === 4);
    expect(poolOf('main')).toMatchObject({ seats: { limit: 4, max: 4 }, connections: { granted: 4 } });
    stop = true;
    await Promise.all(load);
  });

  it('F13: the smallest bound wins where the pool adapts, too', async () => {
    const running = await start({
      pools: { main: { url: urlOf('narrow'), max: 4, minIdle: 1, adaptive: true } },
      routes: { work: { pool: 'main', deadlineMs: 60_000 } },
    });
    await allow(2);
    let stop = false;
    let most = 0;
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) await running.run('work', (handle) => handle.query('SELECT pg_sleep(0.005)'));
    });
    await until(() => poolOf('main')?.connections.granted === 2);
    const from = performance.now();
    await until(() => {
      most = Math.max(most, poolOf('main')?.seats.limit ?? 99);
      return performance.now() - from > 500;
    });
    stop = true;
    await Promise.all(load);
    expect(most).toBe(2);
  });
});

describe('a user without rights', () => {
  it('is refused at the start with what would help', async () => {
    await ask(postgres.url, 'CREATE DATABASE closed');
    await ask(postgres.url, 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
    const failure = start({ pools: { main: { url: urlOf('app', 'closed') } }, routes: { work: { pool: 'main' } } });
    const error = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MissingRightsError);
    expect(String(error)).toMatch(/pool "main": the user of the url may not connect .*; grant it CONNECT .*"closed"/);
    expect(await ask(postgres.url, "SELECT 1 FROM pg_stat_activity WHERE datname = 'closed'")).toEqual([]);
  });
});

describe('the start', () => {
  it.each<[string, object, string]>([
    [
      'a pool larger than the server',
      { max: 30 },
      'main 30 = 30 connections x 1 instance = 30, and 3 in reserve (15 % of 20), are 33',
    ],
    ['a pool of no connections', { max: 0 }, 'pools.main.max is 0: use a whole number from 1 to 1000'],
    [
      'an unknown scheme',
      { url: 'oracle://app@db/shop' },
      'use a URL that starts with postgres://, postgresql://, mysql:// or mariadb://',
    ],
    [
      'an admin pool that would let connections go',
      { max: 4, admin: true, minIdle: 1 },
      'pools.main.minIdle is 1: an admin pool keeps all its connections; leave it out, or use 4 (pools.main.max)',
    ],
    ['a password in place of a function', { password: 'Zq7' }, 'pools.main.password: a password belongs into the url'],
  ])('refuses %s', async (_, pool, message) => {
    const failure = start({ pools: { main: { url: urlOf('app'), ...pool } }, routes: { work: { pool: 'main' } } });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.not.toThrow('Zq7');
  });

  it.each([0, 0.09, 0.21, 0.5])('refuses a reserve of %d, with what 10 to 20 % would be', async (budgetReserve) => {
    const failure = start({
      budgetReserve,
      pools: { main: { url: urlOf('app') } },
      routes: { work: { pool: 'main' } },
    });
    await expect(failure).rejects.toThrow(
      `budgetReserve is ${budgetReserve}: use a number from 0.1 to 0.2 (of 100 connections 10 to 20 stay free for administration)`,
    );
  });
});
