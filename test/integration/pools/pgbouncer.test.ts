import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { PoolOptions } from '../../../src/config/options.js';
import { createGateway, type Gateway } from '../../../src/gateway.js';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import { PoolerConsole } from '../../../src/pools/pooler-console.js';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask, FOREVER, makePool, until } from './pool-fixture.js';

let server: PostgresServer;
let pooler: PgbouncerServer;
let password: string;
const open: { close(deadlineAtMs: number): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  ({ password } = new URL(server.url));
  const entry = (name: string, more: string): string =>
    `${name} = host=127.0.0.1 port=${server.port} dbname=postgres ${more}`;
  pooler = await startPgbouncer({
    databases: [
      entry('shared', 'pool_size=5 reserve_pool=1'),
      entry('sessions', 'pool_mode=session pool_size=5'),
      entry('statements', 'pool_mode=statement pool_size=5'),
      entry('narrow', 'pool_size=2'),
    ],
    users: { postgres: password },
    settings: { server_login_retry: 0.2, max_client_conn: 200 },
  });
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close(0);
});
afterAll(async () => {
  await pooler.close();
  await server.close();
});

const through = (entry: string, port = pooler.port): string =>
  `postgres://postgres:${password}@127.0.0.1:${port}/${entry}`;

describe('a pool that is told nothing', () => {
  async function poolAt(url: string): Promise<ConnectionPool> {
    const { pool } = makePool({ url }, { pooler: 'auto', lockTimeoutMs: 900, max: 2 });
    open.push(pool);
    const connection = await pool.acquire(FOREVER);
    // The bound of a wait for a lock holds in each case.
    await connection.begin(2_000);
    const { rows } = await connection.query("SELECT current_setting('lock_timeout') AS lock", undefined, undefined);
    expect(rows).toEqual([{ lock: '900ms' }]);
    await connection.commit();
    await connection.release();
    return pool;
  }

  it('PGB-7: knows a pooler by what it refuses at the start', async () => {
    const pool = await poolAt(through('shared'));
    expect(pool.shared).toBe(true);
    expect(pool.gauges()).toMatchObject({ opened: 1, connectFailures: 0 });
  });

  it('PGB-7: knows a pooler that swallows what it does not understand by its key', async () => {
    const swallowing = await startPgbouncer({
      databases: [`shared = host=127.0.0.1 port=${server.port} dbname=postgres`],
      users: { postgres: password },
      settings: { ignore_startup_parameters: 'options,lock_timeout' },
    });
    try {
      expect((await poolAt(through('shared', swallowing.port))).shared).toBe(true);
    } finally {
      for (const each of open.splice(0)) await each.close(0);
      await swallowing.close();
    }
  });

  it('PGB-7: knows a server for a server, and keeps its session', async () => {
    const pool = await poolAt(server.url);
    expect(pool.shared).toBe(false);
    const connection = await pool.acquire(FOREVER);
    await connection.query("SET work_mem = '77MB'", undefined, undefined);
    await connection.release();
  });
});

it('F33: is not up before the server behind its pooler is', async () => {
  await ask(through('shared'), 'SELECT 1');
  await server.stop();
  try {
    // From here on the pooler lets clients in all the same: it knows what to tell them.
    const { pool, journal } = makePool({ url: through('shared') }, { pooler: 'pgbouncer', connectTimeoutMs: 300 });
    open.push(pool);
    await until(() => pool.gauges().connectFailures >= 2);
    expect(pool.gauges()).toMatchObject({ state: 'down', opened: 0 });
    expect(journal.entries).toEqual(['down']);
    await server.start();
    await journal.reached('up');
  } finally {
    await server.start();
  }
});

describe('a gateway', () => {
  async function start(options: PoolOptions<'main'>, instances = 1): Promise<{ gateway: Gateway; log: LogBook }> {
    const log = new LogBook();
    const gateway = await createGateway(
      { instances, pools: { main: { max: 4, ...options } }, routes: { read: { pool: 'main' } } },
      { env: {}, logger: log },
    );
    open.push({ close: () => gateway.drain({ timeoutMs: 0 }) });
    return { gateway, log };
  }
  const codes = ({ log }: { log: LogBook }): unknown[] => log.entries.map(({ code }) => code);

  it('refuses to start behind a pooler in statement mode, and names the remedy', async () => {
    const remedy = /pool "main" goes through a pooler in statement mode, .*: set pool_mode = transaction/;
    await expect(start({ url: through('statements') })).rejects.toThrow(remedy);
    await expect(start({ url: through('statements'), poolerAdminUrl: pooler.adminUrl })).rejects.toThrow(remedy);
  });

  it('warns of a pooler in session mode, asked or not', async () => {
    expect(codes(await start({ url: through('sessions'), poolerAdminUrl: pooler.adminUrl }))).toEqual([
      'pooler_session_mode',
    ]);
    const unasked = await start({ url: through('sessions'), poolerSize: 5 });
    expect(codes(unasked)).toEqual(['pooler_session_mode']);
    expect(unasked.log.of('pooler_session_mode').join()).toMatch(/or set pooler to none, if .* the server itself/);
  });

  it('F35: refuses to use more connections than the pooler has, in all instances together', async () => {
    const options = { url: through('shared'), poolerAdminUrl: pooler.adminUrl };
    expect(codes(await start({ ...options, max: 5 }))).toEqual([]);
    // Its reserve is for those who have waited, and for nobody else.
    await expect(start({ ...options, max: 6 })).rejects.toThrow(
      'has 5 for them (without its reserve_pool of 1, which only those get who have waited for long): lower',
    );
    await expect(start({ ...options, max: 3 }, 2)).rejects.toThrow(
      `main 3 = 3 connections x 2 instances = 6, and the pooler "127.0.0.1:${pooler.port}" has 5 for them`,
    );
    await expect(start({ url: through('narrow'), poolerAdminUrl: pooler.adminUrl, max: 4 }, 2)).rejects.toThrow(
      'has 2 for them: lower the sizes of these pools to 1 in all, run fewer instances or raise pool_size of the pooler',
    );
    await expect(start({ url: through('shared'), poolerSize: 3 })).rejects.toThrow('has 3 for them');
  });

  it('says when nobody knows the size of the pooler, and when the console does not answer', async () => {
    const { log } = await start({ url: through('narrow') });
    expect(log.of('pooler_size_unknown').join()).toContain('set poolerSize to its pool_size, or poolerAdminUrl');
    const wrong = through('pgbouncer').replace(password, 'wrong');
    const other = await start({ url: through('narrow'), poolerSize: 4, poolerAdminUrl: wrong });
    expect(codes(other)).toEqual(['pooler_console_unreachable']);
    expect(other.log.of('pooler_console_unreachable').join()).not.toContain('wrong@');
  });
});

it('PGB-9: reads who waits at the pooler, and for how long', async () => {
  const console = new PoolerConsole(pooler.adminUrl, through('narrow'), systemClock);
  const { pool } = makePool({ url: through('narrow') }, { pooler: 'pgbouncer', max: 4 });
  open.push(pool);
  const all = await Promise.all(Array.from({ length: 4 }, () => pool.acquire(FOREVER)));
  const busy = all.map((each) => each.query('SELECT pg_sleep(0.4)', undefined, undefined));
  await until(async () => (await console.figures()).clientsWaiting === 2);
  expect(await console.figures()).toMatchObject({ serversActive: 2, clientsActive: 2, clientsWaiting: 2 });
  expect((await console.figures()).longestWaitMs).toBeGreaterThan(0);
  await Promise.all(busy);
  await Promise.all(all.map((each) => each.release()));
  await until(async () => (await console.figures()).clientsWaiting === 0);
  expect((await console.figures()).serversIdle).toBe(2);
});

it('PGB-9 F34: shows in its metrics that its clients wait', async () => {
  const main = { url: through('narrow'), poolerAdminUrl: pooler.adminUrl, max: 2 };
  const gateway = await createGateway(
    { pools: { main }, routes: { read: { pool: 'main', deadlineMs: 20_000 } } },
    { env: {}, logger: new LogBook() },
  );
  open.push({ close: () => gateway.drain({ timeoutMs: 0 }) });
  const metrics = new Metrics(() => gateway.telemetry());
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^sluice_pool_pooler_${name}\\{pool="main"\\} (.+)$`, 'm').exec(await metrics.text())?.[1]);
  await pooler.admin('PAUSE narrow');
  const reading = gateway.run('read', (handle) => handle.query('SELECT 1'));
  await until(async () => (await metric('clients_waiting')) === 1);
  await pooler.admin('RESUME narrow');
  await reading;
  expect(await metric('longest_wait_seconds')).toBeGreaterThan(0);
});
