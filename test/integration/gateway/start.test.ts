import express from 'express';
import pg from 'pg';
import { ConfigError, createGateway, type Gateway, type GatewayOptions, type PoolOptions } from 'sluice';
import { health, protect } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/clock.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask, sessionsOf, until } from '../pools/pool-fixture.js';
import { CONNECTS_IN_PEACE, hastyStart } from './hasty-start.js';

let postgres: PostgresServer;
let gateway: Gateway | undefined;
let log: LogBook;

beforeEach(async () => {
  log = new LogBook();
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
});
afterEach(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
  await postgres.close();
});

async function start(
  options: Partial<GatewayOptions> = {},
  env: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<Gateway> {
  gateway = await createGateway(
    {
      applicationName: 'start',
      maxEventLoopLagMs: 0,
      pools: { main: { url: postgres.url, max: 2 } },
      routes: { work: { pool: 'main', deadlineMs: 5_000 } },
      ...options,
    },
    { env, logger: log, clock },
  );
  return gateway;
}

/** An application with one route on it. */
function serving(made: Gateway): ReturnType<typeof supertest> {
  const app = express();
  app.use(health(made));
  app.get(
    '/work',
    protect(made, 'work', {}, async (req, res) => res.json((await req.sluice.query('SELECT 1 AS one')).rows)),
  );
  return supertest(app);
}

describe('the start', () => {
  it('of a wrong configuration fails with every mistake named, and opens nothing', async () => {
    const failure = start(
      {
        pools: { main: { url: postgres.url, max: 0 } },
        routes: { work: { pool: 'mian' }, other: { deadlineMs: -1, ratePerSecond: 0 } },
      },
      { SLUICE_MODE: 'enforced', SLUICE_ROUTE_WORK_DEADLINE: '5', SLUICE_POOL_MAIN_MAXX: '3', SLUICE_INSTANCES: 'two' },
    );
    const error = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    for (const word of [
      'mian',
      'deadlineMs',
      'ratePerSecond',
      'SLUICE_MODE',
      'SLUICE_ROUTE_WORK_DEADLINE_MS',
      'SLUICE_POOL_MAIN_MAX',
      'SLUICE_INSTANCES',
    ]) {
      expect(message).toContain(word);
    }
    expect(message).not.toContain(new URL(postgres.url).password);
    expect(await sessionsOf(postgres.url, 'start')).toEqual([]);
  });

  it('is refused where a url has a parameter that nobody reads, as often as it stands there', async () => {
    const third = { url: `${postgres.url}?sslmod=require`, max: 2 };
    const pools = { main: { max: 2 }, other: { max: 2, poolerAdminUrl: 'postgres://db/x?hosst=y' }, third };
    const failure = start({ pools }, { DATABASE_URL: `${postgres.url}?sslmod=require` });
    const error = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    const remedy = '"sslmod=…": nobody reads this parameter; did you mean sslmode?';
    expect((error as ConfigError).message.split('\n').slice(1)).toEqual([
      `  - DATABASE_URL is ${remedy}`,
      '  - pools.other.poolerAdminUrl is "hosst=…": nobody reads this parameter; did you mean host?',
      `  - pools.third.url is ${remedy}`,
    ]);
    expect(await sessionsOf(postgres.url, 'start')).toEqual([]);
  });

  it('tells what a url says and the driver does not read, and goes on', async () => {
    const url = `${postgres.url}?connect_timeout=3&sslmode=disable`;
    await start({ pools: { main: { url, max: 2 }, other: { url, max: 2 } } });
    expect(gateway?.readiness()).toEqual({ ready: true, reasons: [] });
    expect(log.of('database_url_unheeded')).toEqual([
      'pools "main", "other": the driver does not read connect_timeout of the url: ' +
        'connectTimeoutMs of the pool bounds an attempt',
    ]);
  });

  it('waits for the first connection, so that the first request finds one', async () => {
    await start();
    expect(gateway?.readiness()).toEqual({ ready: true, reasons: [] });
    const startedMs = performance.now();
    await gateway?.run('work', (handle) => handle.query('SELECT 1'));
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  it('over the budget of the server fails, shows the sum, and leaves no session behind', async () => {
    const failure = start({ pools: { main: { url: postgres.url, max: 30 } } });
    const error = await failure.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toMatch(/30/);
    expect(String(error)).toMatch(/max_connections|20/);
    expect(String(error)).not.toContain(new URL(postgres.url).password);
    await until(async () => (await sessionsOf(postgres.url, 'start')).length === 0);
  });

  it('with the database away goes on: one clear warning, readiness 503, and recovery without a restart', async () => {
    await postgres.stop();
    const request = serving(await start());

    const ready = await request.get('/readyz');
    expect([ready.status, ready.body]).toEqual([
      503,
      { status: 'fail', reasons: ['no pool can reach its database: "main"'] },
    ]);
    await request.get('/healthz').expect(200);
    const told = log.entries.filter(({ message }) => message.includes('"main"'));
    expect(told).toHaveLength(1);
    expect(told[0]?.message).toMatch(/cannot be reached|refused|ECONNREFUSED/);
    expect(JSON.stringify(log.entries)).not.toContain(new URL(postgres.url).password);

    // The start has waited as long as requests would, so nobody waits any more.
    const startedMs = performance.now();
    const refused = await request.get('/work');
    expect([refused.status, refused.body.code]).toEqual([503, 'database_unavailable']);
    expect(performance.now() - startedMs).toBeLessThan(1_000);

    await postgres.start();
    await until(async () => (await request.get('/readyz')).status === 200);
    expect((await request.get('/work')).body).toEqual([{ one: 1 }]);
  });

  it('F6 with a database that shuts down and was never reached tells at once, holds it up no longer, and recovers', async () => {
    const last = new pg.Client({ connectionString: postgres.url });
    last.on('error', () => undefined);
    await last.connect();
    const stopped = postgres.stop('smart');
    await until(() =>
      ask(postgres.url, 'SELECT 1').then(
        () => false,
        ({ code }) => code === '57P03',
      ),
    );
    const request = serving(await start());
    expect((await request.get('/readyz')).status).toBe(503);
    expect(log.of('database_unreachable')).toHaveLength(1);

    const startedMs = performance.now();
    const refused = await Promise.all(Array.from({ length: 4 }, () => request.get('/work')));
    for (const { status, headers, body } of refused) {
      expect([status, body.code, body.outcome]).toEqual([503, 'database_unavailable', 'not_started']);
      expect(headers['retry-after']).toMatch(/^[12]$/);
    }
    // None of them has waited for the end of its deadline.
    expect(performance.now() - startedMs).toBeLessThan(2_500);

    await last.end();
    await stopped;
    await postgres.start();
    await until(async () => (await request.get('/readyz')).status === 200);
    expect((await request.get('/work')).body).toEqual([{ one: 1 }]);
  });

  it('with the database away checks the budget when it comes, and stays unready over it', async () => {
    await postgres.stop();
    await start({ pools: { main: { url: postgres.url, max: 30, ...CONNECTS_IN_PEACE } } }, {}, hastyStart);
    expect(gateway?.readiness().ready).toBe(false);
    await postgres.start();
    await until(() => log.of('over_budget').length === 1);
    expect(gateway?.readiness().ready).toBe(false);
    expect(gateway?.readiness().reasons.join()).toMatch(/30/);
  });

  it('over the budget is ready once the server has come back with room for all', async () => {
    const other = await startPostgres({ settings: { fsync: 'off' } });
    const allow = (most: number): Promise<unknown> => ask(other.url, `ALTER SYSTEM SET max_connections = ${most}`);
    try {
      await allow(30);
      await other.stop();
      const pool = (host: string): PoolOptions => ({
        url: other.url.replace('127.0.0.1', host),
        max: 16,
        ...CONNECTS_IN_PEACE,
      });
      await start({ pools: { main: pool('127.0.0.1'), beside: pool('localhost') } }, {}, hastyStart);
      await other.start();
      await until(() => log.of('over_budget').length > 0);
      // By two addresses: each alone would fit.
      expect(gateway?.readiness().reasons.join()).toMatch(/main 16 \+ beside 16 = 32/);
      const before = log.of('over_budget').length;
      await other.restart();
      // Each of them has looked again.
      await until(() => log.of('over_budget').length >= before + 2);
      expect(gateway?.readiness().reasons.join()).toMatch(/main 16 \+ beside 16 = 32/);
      await allow(60);
      await other.restart();
      await until(() => gateway?.readiness().ready === true);
      // Whoever serves goes on serving, whatever the next server has; that it is too little is told.
      await allow(30);
      const told = log.of('over_budget').length;
      await other.restart();
      await until(() => log.of('over_budget').length > told);
      await until(() => gateway?.snapshot().pools.every(({ state }) => state === 'up') === true);
      expect(gateway?.readiness()).toEqual({ ready: true, reasons: [] });
    } finally {
      await gateway?.drain({ timeoutMs: 0 });
      await other.close();
    }
  });

  it('with a wrong password says so, without the password', async () => {
    const url = new URL(postgres.url);
    url.password = 'wrong-secret';
    await start({ pools: { main: { url: url.href, max: 2, ...CONNECTS_IN_PEACE } } }, {}, hastyStart);
    const told = (): string => JSON.stringify(log.entries);
    await until(() => /password|credentials|authenticat/i.test(told()));
    const text = told();
    expect(text).not.toContain('wrong-secret');
    expect(gateway?.readiness().ready).toBe(false);
    await ask(postgres.url, "ALTER ROLE postgres PASSWORD 'wrong-secret'");
    await until(() => gateway?.readiness().ready === true);
    await gateway?.run('work', (handle) => handle.query('SELECT 1'));
  });

  it('with one of two databases away is ready for what it can do', async () => {
    const other = await startPostgres({ settings: { fsync: 'off' } });
    await other.stop();
    const options = {
      pools: {
        main: { url: postgres.url, max: 2, ...CONNECTS_IN_PEACE },
        away: { url: other.url, max: 2, ...CONNECTS_IN_PEACE },
      },
      routes: { work: { pool: 'main' }, far: { pool: 'away', deadlineMs: 500 } },
    };
    await start(options, {}, hastyStart);
    await until(() => gateway?.readiness().ready === true);
    await gateway?.run('work', (handle) => handle.query('SELECT 1'));
    await expect(gateway?.run('far', (handle) => handle.query('SELECT 1'))).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    await gateway?.drain({ timeoutMs: 0 });
    await other.close();
  });
});
