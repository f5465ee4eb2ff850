import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, FOREVER, makePool } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;
let tap: Tap;
let pool: ConnectionPool;
let connection: Connection;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  await ask(server.url, 'CREATE TABLE stock AS SELECT n AS sku, 1000 AS left_over FROM generate_series(1, 10) n');
});
beforeEach(async () => {
  tap = await Tap.before(server.url);
  ({ pool } = makePool({ url: tap.url }, { max: 1, lockTimeoutMs: 70, pooler: 'pgbouncer' }));
  connection = await pool.acquire(FOREVER);
  tap.statements.length = 0;
});
afterEach(async () => {
  await connection.release();
  await pool.close(0);
  await tap.close();
});
afterAll(() => server.close());

const LIMITS = `current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`;

it('PGB-7: asks for nothing at the start, and leaves no limit in the session', async () => {
  const read = async (text: string, values?: readonly unknown[], limitMs?: number): Promise<unknown> =>
    (await connection.query(text, values, limitMs)).rows[0];
  const none = { statement: '0', lock: '0' };
  expect(await read(`SELECT ${LIMITS} -- not from pg_settings`)).toMatchObject(none);
  expect(await read(`SELECT ${LIMITS}`, undefined, 300)).toEqual({ statement: '300ms', lock: '70ms' });
  expect(await read(`SELECT ${LIMITS}, $1::int AS n`, [7], 300.5)).toEqual({ statement: '301ms', lock: '70ms', n: 7 });
  await connection.begin(400, { readOnly: true });
  expect(await read(`SELECT ${LIMITS}`, undefined, 300)).toEqual({ statement: '400ms', lock: '70ms' });
  await connection.commit();
  expect(await read(`SELECT ${LIMITS} -- not from pg_settings`)).toMatchObject(none);
});

it('PGB-7: sends the limits of a statement with it, in one message', async () => {
  await connection.query('SELECT 1', undefined, 300);
  expect(tap.statements.splice(0)).toEqual([
    'SET LOCAL statement_timeout = 300; SET LOCAL lock_timeout = 70; SELECT 1',
  ]);
  await connection.query('SELECT $1::int', [1], 300);
  expect(tap.statements.splice(0)).toEqual([
    "SELECT set_config('statement_timeout', '300', true), set_config('lock_timeout', '70', true)",
    'SELECT $1::int',
  ]);
  await connection.begin(300);
  expect(tap.statements).toEqual(['BEGIN; SET LOCAL statement_timeout = 300; SET LOCAL lock_timeout = 70']);
});

it('BP-11: ends a statement and a wait for a lock at their limits, with parameters or without', async () => {
  for (const values of [undefined, [1]]) {
    const at = values === undefined ? '1' : '$1::int';
    await expect(connection.query(`SELECT pg_sleep(30 * ${at})`, values, 100)).rejects.toMatchObject({ code: '57014' });
  }
  const other = makePool(server).pool;
  const holder = await other.acquire(FOREVER);
  await holder.begin(undefined);
  await holder.query('UPDATE stock SET left_over = 1 WHERE sku = 1', undefined, undefined);
  for (const values of [undefined, [1]]) {
    const at = values === undefined ? '1' : '$1::int';
    const update = connection.query(`UPDATE stock SET left_over = 2 WHERE sku = ${at}`, values, 5_000);
    await expect(update).rejects.toMatchObject({ code: '55P03' });
  }
  await holder.release();
  await other.close(0);
});

it('commits a single write, answers it as always, and points into its own text', async () => {
  const change = 'UPDATE stock SET left_over = left_over - 1 WHERE sku <= $1 RETURNING sku';
  expect(await connection.query(change, [3], 300)).toMatchObject({ command: 'UPDATE', rowCount: 3 });
  expect(await connection.query('DELETE FROM stock WHERE sku = 9', undefined, 300)).toMatchObject({
    command: 'DELETE',
    rowCount: 1,
    rows: [],
  });
  expect(await ask(server.url, 'SELECT count(*)::int AS n FROM stock')).toEqual([{ n: 9 }]);
  for (const values of [undefined, [1]]) {
    const wrong = connection.query(`SELECT nonsense${values === undefined ? '' : ', $1::int'}`, values, 300);
    await expect(wrong).rejects.toMatchObject({ code: '42703', position: '8' });
  }
  const endless: unknown[] = [];
  endless.push(endless);
  await expect(connection.query('SELECT $1::int', [endless], 300)).rejects.toThrow(RangeError);
  await expect(connection.query('SELECT $1::int AS n', [4], 300)).resolves.toMatchObject({ rows: [{ n: 4 }] });
});

it('lets statements be that have to stand alone', async () => {
  await expect(connection.query('VACUUM stock', undefined, 300)).resolves.toMatchObject({ command: 'VACUUM' });
});
