import { createGateway, type Gateway, type GatewayOptions, OverBudgetError } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

let primary: PostgresServer;
let replica: PostgresServer;
let gateway: Gateway | undefined;

beforeAll(async () => {
  const settings = { fsync: 'off', max_connections: '20' };
  [primary, replica] = await Promise.all([startPostgres({ settings }), startPostgres({ settings })]);
  await ask(primary.url, "CREATE TABLE whoami AS SELECT 'primary' AS name");
  await ask(replica.url, "CREATE TABLE whoami AS SELECT 'replica' AS name");
});
afterEach(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
});
afterAll(() => Promise.all([primary.close(), replica.close()]));

/** Of 20 connections a server gives 17 to ordinary users, and 3 stay free: 14 for the pools. */
async function start(etlMax: number, env: Record<string, string> = {}): Promise<Gateway> {
  const options: GatewayOptions = {
    maxEventLoopLagMs: 0,
    readinessDelayMs: 0,
    pools: {
      shop: { url: primary.url, max: 10, minIdle: 1 },
      admin: { url: primary.url, max: 4, minIdle: 1 },
      etl: { url: replica.url, max: etlMax, minIdle: 1 },
    },
    routes: {
      shop: { pool: 'shop', deadlineMs: 5_000 },
      etl: { pool: 'etl', deadlineMs: 5_000 },
    },
  };
  gateway = await createGateway(options, { env, logger: new LogBook() });
  return gateway;
}

const whoami = (running: Gateway, route: string): Promise<string | undefined> =>
  running.run(route, async (handle) => {
    const { rows } = await handle.query<{ name: string }>('SELECT name FROM whoami');
    return rows[0]?.name;
  });

describe('SEG-7: a second server as the target of a pool', () => {
  it('serves its routes, and its connections count against its own limit', async () => {
    const running = await start(14);
    expect(running.readiness()).toEqual({ ready: true, reasons: [] });
    expect(await Promise.all(['shop', 'etl'].map((route) => whoami(running, route)))).toEqual(['primary', 'replica']);
  });

  it('is named with its own sum where its pools ask for too much, and the other is not', async () => {
    const error: unknown = await start(15).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OverBudgetError);
    const { message } = error as Error;
    expect(message).toMatch(/^etl 15 = 15 connections .*, but server "127\.0\.0\.1:\d+" gives 17/);
    expect(message).toContain(`:${replica.port}"`);
    expect(message).not.toContain(String(primary.port));
    expect(message).not.toContain('shop');
  });

  it('is set by the environment: one that the pools then share', async () => {
    const failure = start(1, { SLUICE_POOL_ETL_URL: primary.url });
    await expect(failure).rejects.toThrow('shop 10 + admin 4 + etl 1 = 15 connections x 1 instance = 15');
    expect(await whoami(await start(1, { SLUICE_POOL_SHOP_MAX: '5', SLUICE_POOL_ETL_URL: primary.url }), 'etl')).toBe(
      'primary',
    );
  });

  it('is no place to give way to: a pool that the environment moved there keeps its seats, and that is said', async () => {
    const log = new LogBook();
    const { url } = primary;
    const code: GatewayOptions = {
      pools: { shop: { url, max: 2 }, etl: { url, max: 2, yieldsTo: 'shop' } },
      routes: { shop: { pool: 'shop' }, etl: { pool: 'etl' } },
    };
    gateway = await createGateway(code, { env: { SLUICE_POOL_ETL_URL: replica.url }, logger: log });
    expect(gateway.snapshot().pools.map(({ seats }) => seats.tuning)).toEqual([null, null]);
    expect(log.of('yielding_unheeded')).toEqual([
      expect.stringMatching(/^pool "etl" does not give way to "shop": that pool is on another server, localhost/),
    ]);
    await gateway.drain({ timeoutMs: 0 });
    log.entries.length = 0;
    gateway = await createGateway(code, { env: {}, logger: log });
    expect(gateway.snapshot().pools.map(({ seats }) => seats.tuning?.reason)).toEqual([undefined, 'start']);
    expect(log.entries).toEqual([]);
  });

  it('goes down alone: the others serve, and the process stays ready', async () => {
    const running = await start(2);
    await replica.stop('immediate');
    await until(() => running.snapshot().pools.find(({ name }) => name === 'etl')?.state === 'down');
    expect(await whoami(running, 'shop')).toBe('primary');
    expect(running.readiness().ready).toBe(true);
    await replica.start();
    await until(() => running.snapshot().pools.find(({ name }) => name === 'etl')?.state === 'up');
    expect(await whoami(running, 'etl')).toBe('replica');
  });
});
