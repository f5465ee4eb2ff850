import pg from 'pg';
import { afterEach, expect } from 'vitest';
import { createPgPool, type PgPoolOptions } from '../../../src/pools/connection-pool.js';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import { Journal, STILL } from '../../contract/support.js';
import type { PostgresServer } from '../../support/postgres.js';

export { FOREVER, until, within } from '../../contract/support.js';

/** A pool on a real server, with what a test needs to look behind it. */
export interface PoolUnderTest {
  readonly pool: ConnectionPool;
  readonly journal: Journal;
  readonly applicationName: string;
}

let made = 0;

export function makePool(server: Pick<PostgresServer, 'url'>, options: Partial<PgPoolOptions> = {}): PoolUnderTest {
  made += 1;
  const journal = new Journal();
  const applicationName = `pool-${process.pid}-${made}`;
  const pool = createPgPool({
    name: 'test',
    url: server.url,
    ...STILL,
    applicationName,
    listener: journal,
    ...options,
  });
  return { pool, journal, applicationName };
}

/** Runs one statement on a connection of its own, beside every pool. */
export async function ask<Row extends object = Record<string, unknown>>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Row>(text, values);
    return result.rows;
  } finally {
    await client.end();
  }
}

/** Ids of the server processes that belong to a pool. */
export async function sessionsOf(url: string, applicationName: string): Promise<number[]> {
  const rows = await ask<{ pid: number }>(url, 'SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
    applicationName,
  ]);
  return rows.map((row) => row.pid);
}

/** How many sessions of a pool are running a statement. */
export async function activeStatements(url: string, applicationName: string): Promise<number> {
  const rows = await ask(url, "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'", [
    applicationName,
  ]);
  return rows.length;
}

/** The process of the server that runs a session. */
export async function pidOf(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', undefined, undefined);
  return rows[0]?.pid ?? 0;
}

/** What must hold after every test: nothing is lent, nobody waits, and the server sees no more sessions than allowed. */
export async function expectAtRest({ pool, applicationName }: PoolUnderTest, url: string): Promise<void> {
  expect(pool.gauges()).toMatchObject({ inUse: 0, acquiring: 0 });
  expect((await sessionsOf(url, applicationName)).length).toBeLessThanOrEqual(pool.max);
}

/** Makes a pool, on the server of the file or on another. */
export type OpenPool = (options?: Partial<PgPoolOptions>, url?: string) => PoolUnderTest;

/** Makes the pools of the tests of a file: after each test they are seen to be at rest, and closed. */
export function tendedPools(
  server: () => Pick<PostgresServer, 'url'>,
  defaults: Partial<PgPoolOptions> = {},
): OpenPool {
  const opened: PoolUnderTest[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) {
      await expectAtRest(each, server().url);
      await each.pool.close(0);
    }
  });
  return (options = {}, url = server().url) => {
    const made = makePool({ url }, { ...defaults, ...options });
    opened.push(made);
    return made;
  };
}
