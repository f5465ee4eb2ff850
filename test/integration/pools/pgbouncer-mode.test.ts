import pg from 'pg';
import { SessionStateError } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGateway, type Gateway } from '../../../src/gateway.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook } from '../http/harness.js';
import { until } from './pool-fixture.js';

// What a start says of the mode of a pooler whose console it may not ask.

let server: PostgresServer;
let password: string;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  ({ password } = new URL(server.url));
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
afterAll(() => server.close());

async function poolerWith(entry: string, settings: Record<string, string | number> = {}): Promise<PgbouncerServer> {
  const pooler = await startPgbouncer({
    databases: [`shop = host=127.0.0.1 port=${server.port} dbname=postgres ${entry}`],
    users: { postgres: password },
    settings,
  });
  open.push(pooler);
  return pooler;
}

const through = (pooler: PgbouncerServer): string => `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop`;

async function start(
  url: string,
  options: { max?: number; poolerAdminUrl?: string } = {},
): Promise<{ gateway: Gateway; log: LogBook }> {
  const log = new LogBook();
  const gateway = await createGateway(
    { pools: { main: { max: 2, poolerSize: 50, url, ...options } }, routes: { read: { pool: 'main' } } },
    { env: {}, logger: log },
  );
  open.push({ close: () => gateway.drain({ timeoutMs: 0 }) });
  return { gateway, log };
}

async function clientOf(pooler: PgbouncerServer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: through(pooler) });
  client.on('error', () => undefined);
  await client.connect();
  open.push({ close: () => client.end() });
  return client;
}

/** Has the pooler open so many connections to its server. */
async function warm(pooler: PgbouncerServer, servers: number): Promise<readonly pg.Client[]> {
  const clients = await Promise.all(Array.from({ length: servers }, () => clientOf(pooler)));
  await Promise.all(clients.map((client) => client.query('BEGIN')));
  await Promise.all(clients.map((client) => client.query('COMMIT')));
  return clients;
}

describe('transaction mode is not taken for session mode', () => {
  it('by a pooler that deals out its servers in turn', async () => {
    for (const servers of [2, 4]) {
      const pooler = await poolerWith(`pool_size=${servers}`, { server_round_robin: 1 });
      await warm(pooler, servers);
      const { log } = await start(through(pooler));
      expect(log.of('pooler_session_mode')).toEqual([]);
    }
  });

  it('by a pooler whose other clients keep several servers going, as while a fleet is deployed', async () => {
    const pooler = await poolerWith('pool_size=8');
    const clients = await warm(pooler, 6);
    let over = false;
    const busy = clients.map(async (client) => {
      while (!over) await client.query('SELECT pg_sleep(random() * 0.003)');
    });
    try {
      for (let starts = 0; starts < 12; starts += 1) {
        const { log } = await start(through(pooler));
        expect(log.of('pooler_session_mode')).toEqual([]);
      }
    } finally {
      over = true;
      await Promise.all(busy);
    }
  });
});

it('session mode is still seen, also beside other clients', async () => {
  const pooler = await poolerWith('pool_mode=session pool_size=8');
  await warm(pooler, 3);
  const { log } = await start(through(pooler));
  expect(log.of('pooler_session_mode')).toHaveLength(1);
});

it('statement mode that comes while the gateway runs is told, once', async () => {
  const pooler = await poolerWith('pool_size=8');
  const { gateway, log } = await start(through(pooler));
  const transaction = (): Promise<unknown> =>
    gateway.run('read', (handle) => handle.transaction((client) => client.query('SELECT 1')));
  await transaction();
  await pooler.rewrite({ settings: { pool_mode: 'statement' } });
  await pooler.admin('RELOAD');
  for (let attempts = 0; attempts < 3; attempts += 1) await expect(transaction()).rejects.toThrow();
  await until(() => log.of('pooler_statement_mode').length > 0);
  await expect(transaction()).rejects.toThrow();
  expect(log.of('pooler_statement_mode')).toEqual([
    expect.stringMatching(/^pool "main": its pooler is in statement mode, .*; set pool_mode = transaction/),
  ]);
});

it('a poolerSize beyond what the console tells of is said', async () => {
  const pooler = await poolerWith('pool_size=8', { server_login_retry: 0.2 });
  const { log } = await start(through(pooler), { max: 20, poolerAdminUrl: pooler.adminUrl });
  expect(log.of('pooler_size_differs').join()).toMatch(
    /poolerSize is 50, and its console tells otherwise: main 20 = 20 .* has 8 for them: lower .*, or correct poolerSize/,
  );
  const fitting = await start(through(pooler), { max: 8, poolerAdminUrl: pooler.adminUrl });
  expect(fitting.log.of('pooler_size_differs')).toEqual([]);
});

it('a url that leads to the console of the pooler is told at the start', async () => {
  const pooler = await poolerWith('pool_size=8');
  const { log } = await start(pooler.adminUrl);
  await until(() => log.of('database_unsupported').length > 0);
  expect(log.of('database_unsupported').join()).toContain(
    'leads to the console of a PgBouncer, which runs no statements',
  );
});

it('a statement that no session behind it keeps is refused by an error that can be told apart', async () => {
  const pooler = await poolerWith('pool_size=8');
  const { gateway, log } = await start(through(pooler));
  const kept = gateway.run('read', (handle) => handle.query('SET work_mem = 777'));
  await expect(kept).rejects.toBeInstanceOf(SessionStateError);
  await expect(kept).rejects.toMatchObject({
    name: 'SessionStateError',
    message: expect.stringContaining('SET LOCAL'),
  });
  for (const text of ["LOAD 'auto_explain'", 'SELECT setseed(0.5)']) {
    await expect(gateway.run('read', (handle) => handle.query(text))).rejects.toBeInstanceOf(SessionStateError);
  }
  // Nothing was sent: the transaction goes on, and the pool is well.
  const rows = gateway.run('read', (handle) =>
    handle.transaction(async (client) => {
      await expect(client.query('LISTEN news')).rejects.toBeInstanceOf(SessionStateError);
      return (await client.query('SELECT 1 AS one')).rows;
    }),
  );
  expect(await rows).toEqual([{ one: 1 }]);
  expect(log.entries).toEqual([]);
});
