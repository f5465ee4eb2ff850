import type { RowDataPacket } from 'mysql2/promise';
import { createGateway, type Gateway, OverBudgetError, type PoolOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { ask } from '../pools/pool-fixture.js';

// Of 20 connections PostgreSQL gives 17 to ordinary users, and 3 stay free: 14 for the pools.

let postgres: PostgresServer;
let gateway: Gateway | undefined;
let log: LogBook;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
  await ask(postgres.url, "CREATE ROLE app LOGIN PASSWORD 'app'");
  await ask(postgres.url, "CREATE ROLE narrow LOGIN PASSWORD 'app' CONNECTION LIMIT 5");
  await ask(postgres.url, "CREATE ROLE master LOGIN SUPERUSER PASSWORD 'app' CONNECTION LIMIT 5");
  await ask(postgres.url, 'CREATE DATABASE small CONNECTION LIMIT 5');
});
afterEach(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  gateway = undefined;
});
afterAll(() => postgres.close());

/** Resolves to why it did not start, if it did not. */
async function start(pools: Record<string, PoolOptions>, instances = 1): Promise<string | undefined> {
  log = new LogBook();
  const [first = ''] = Object.keys(pools);
  const thin = Object.entries(pools).map(([name, pool]) => [name, { minIdle: 0, ...pool }] as const);
  try {
    gateway = await createGateway(
      {
        maxEventLoopLagMs: 0,
        readinessDelayMs: 0,
        instances,
        pools: Object.fromEntries(thin),
        routes: { work: { pool: first } },
      },
      { env: {}, logger: log },
    );
  } catch (error) {
    expect(error).toBeInstanceOf(OverBudgetError);
    return (error as Error).message;
  }
  return undefined;
}

const at = (host: string, user = 'app', database = 'postgres'): string =>
  `postgres://${user}:app@${host}:${postgres.port}/${database}`;

describe('one server with two addresses', () => {
  it('is one server: all pools on it have to fit together', async () => {
    const refusal = await start({ a: { url: at('127.0.0.1'), max: 8 }, b: { url: at('localhost'), max: 7 } });
    const { port } = postgres;
    expect(refusal).toContain('a 8 + b 7 = 15 connections x 1 instance = 15, and 3 in reserve');
    expect(refusal).toContain(`server "127.0.0.1:${port} = localhost:${port}" gives 17`);
    expect(log.of('over_budget')).toEqual([refusal]);
    expect(refusal).toMatch(/: lower the sizes of the pools to 14 in all/);
    expect(await start({ a: { url: at('127.0.0.1'), max: 8 }, b: { url: at('localhost'), max: 6 } })).toBeUndefined();
  });
});

describe('a limit of the user or of the database', () => {
  it('refuses a user who may have less than its pools want, and shows the sum', async () => {
    const both = (max: number): Record<string, PoolOptions> => ({
      a: { url: at('127.0.0.1', 'narrow'), max },
      b: { url: at('localhost', 'narrow'), max: 2 },
      other: { url: at('127.0.0.1'), max: 1 },
    });
    expect(await start(both(4))).toContain('a 4 + b 2 = 6 connections x 1 instance = 6, and user "narrow" may have 5');
    expect(await start(both(3))).toBeUndefined();
    expect(await start(both(1), 2)).toMatch(/= 6, .*: lower the sizes of the pools to 2 in all or run fewer instances/);
  });

  it('refuses a database likewise', async () => {
    const main = (max: number): Record<string, PoolOptions> => ({
      main: { url: at('127.0.0.1', 'app', 'small'), max },
    });
    expect(await start(main(6))).toMatch(
      /^main 6 = 6 connections .*, and database "small" may have 5 on .* \(CONNECTION LIMIT\): lower .* to 5 in all or raise CONNECTION LIMIT$/,
    );
    expect(await start(main(5))).toBeUndefined();
  });

  it('does not bind superusers', async () => {
    expect(await start({ main: { url: at('127.0.0.1', 'master', 'small'), max: 6 } })).toBeUndefined();
  });
});

describe('pools beside a pooler in front of the same server', () => {
  let pooler: PgbouncerServer;
  beforeAll(async () => {
    const entry = (name: string, more: string): string =>
      `${name} = host=localhost port=${postgres.port} dbname=postgres ${more}`;
    pooler = await startPgbouncer({
      databases: [entry('six', 'pool_size=6'), entry('seven', 'pool_size=6 reserve_pool=1')],
      users: { app: 'app', narrow: 'app' },
    });
  });
  afterAll(() => pooler.close());

  const through = (entry: string, user = 'app'): PoolOptions => ({
    url: `postgres://${user}:app@127.0.0.1:${pooler.port}/${entry}`,
    poolerAdminUrl: pooler.adminUrl,
    max: 2,
  });

  it('count what the pooler may open there', async () => {
    const direct = { url: at('127.0.0.1'), max: 8 };
    const refusal = await start({ direct, pooled: through('seven') });
    expect(refusal).toContain(
      'direct 8 = 8 connections x 1 instance = 8, 7 of the pooler of "pooled", and 3 in reserve',
    );
    expect(refusal).toMatch(
      /are 18, but server "127\.0\.0\.1:\d+" gives 17.*: lower the sizes of the pools to 7 in all/,
    );
    expect(await start({ direct, pooled: through('six'), again: through('six') })).toBeUndefined();
  });

  it('are bound by the limit of a user through the pooler as well', async () => {
    const pooled = { ...through('six', 'narrow'), max: 6 };
    expect(await start({ pooled })).toContain('6 of the pooler of "pooled", and user "narrow" may have 5');
    expect(await start({ pooled: { ...pooled, max: 5 } })).toBeUndefined();
  });

  it('warn of one that finds its server late, and of no other', async () => {
    await start({ pooled: through('six') });
    expect(log.of('pooler_recovers_late')).toEqual([
      expect.stringMatching(/pool "pooled": .* only every 15 s, .*: set server_login_retry = 0\.2 in the pooler$/),
    ]);
    await gateway?.drain({ timeoutMs: 0 });
    await pooler.admin("SET server_login_retry = '0.2'");
    await start({ pooled: through('six') });
    expect(log.entries).toEqual([]);
  });
});

describe('on MariaDB', () => {
  let mariadb: MariadbServer;
  const url = (host: string, user: string): string => `mysql://${user}:app@${host}:${mariadb.port}/app`;
  beforeAll(async () => {
    mariadb = await startMariadb({ 'max-connections': '20' });
    await mariadb.ask("CREATE USER app IDENTIFIED BY 'app'");
    await mariadb.ask("CREATE USER narrow IDENTIFIED BY 'app' WITH MAX_USER_CONNECTIONS 5");
    for (const user of ['app', 'narrow']) await mariadb.ask(`GRANT ALL ON app.* TO ${user}`);
  });
  afterAll(() => mariadb.close());

  it('two addresses are one server, too', async () => {
    // 20, less 3 in reserve, and one for each pool that stops its statements.
    const both = (max: number): Record<string, PoolOptions> => ({
      a: { url: url('127.0.0.1', 'app'), max },
      b: { url: url('localhost', 'app'), max: 8 },
    });
    const refusal = await start(both(8));
    expect(refusal).toContain(
      'a 8 + b 8 = 16 connections x 1 instance = 16, 2 of those that stop statements (KILL, one for each pool and ' +
        'instance), and 3 in reserve (15 % of 20), are 21',
    );
    expect(refusal).toContain('lower the sizes of the pools to 15 in all');
    expect(await start(both(7))).toBeUndefined();
    expect(await start({ a: { url: url('127.0.0.1', 'app'), max: 7 } }, 2)).toBeUndefined();
    expect(await start({ a: { url: url('127.0.0.1', 'app'), max: 8 } }, 2)).toContain('2 of those that stop');
  });

  it('max_user_connections binds', async () => {
    const refusal = await start({ main: { url: url('127.0.0.1', 'narrow'), max: 6 } });
    expect(refusal).toMatch(/user "narrow@%" may have 5 on .* \(max_user_connections\): lower .* to 4 in all/);
    // Without one beside them no statement could be stopped.
    const full = await start({ main: { url: url('127.0.0.1', 'narrow'), max: 5 } });
    expect(full).toContain(
      'main 5 = 5 connections x 1 instance = 5, 1 of those that stop statements (KILL, one for each',
    );
    expect(await start({ main: { url: url('127.0.0.1', 'narrow'), max: 4 } })).toBeUndefined();
  });

  it('leaves room to stop a statement while all other connections are at work', async () => {
    expect(await start({ main: { url: url('127.0.0.1', 'narrow'), max: 4 } })).toBeUndefined();
    const running = gateway ?? expect.fail('no gateway');
    const sessions = async (more = ''): Promise<number[]> => {
      const text = `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = 'narrow' ${more} ORDER BY ID`;
      return (await mariadb.ask<RowDataPacket & { id: number }>(text)).map(({ id }) => id);
    };
    const asleep = (): Promise<number[]> => sessions("AND INFO LIKE '%DO SLEEP(60)'");
    const stop = new AbortController();
    const all = Array.from({ length: 4 }, () =>
      running
        .run('work', (handle) => handle.query('DO SLEEP(60)'), { signal: stop.signal, budgetMs: 30_000 })
        .catch(() => undefined),
    );
    await expect.poll(asleep, { timeout: 5_000 }).toHaveLength(4);
    const before = await asleep();
    stop.abort();
    await Promise.all(all);
    await expect.poll(asleep, { timeout: 9_000 }).toEqual([]);
    // Whoever cannot be told to stop is hung up on instead.
    expect(await sessions()).toEqual(expect.arrayContaining(before));
  });
});
