import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { FOREVER, makePool } from './pool-fixture.js';

let server: PostgresServer;
let pool: ConnectionPool;
let connection: Connection;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
beforeEach(async () => {
  ({ pool } = makePool(server, { max: 1 }));
  connection = await pool.acquire(FOREVER);
});
afterEach(async () => {
  await connection.release();
  await pool.close(0);
});
afterAll(() => server.close());

const run = (text: string, values?: readonly unknown[]) => connection.query(text, values, 5_000);

it('reads values as the driver does', async () => {
  const text = `SELECT $1::text AS text, $2::int[] AS list, $3::jsonb AS json, $4::timestamptz AS at, $5::bytea AS bytes,
    $6::bool AS yes, $7::bigint AS big, $8::float8 AS float, $9::text AS nothing`;
  const at = new Date('2026-02-03T04:05:06.789Z');
  const values = ['ß\u{1F600}', [1, 2], { a: [1] }, at, Buffer.from([0, 255]), true, 2n ** 60n, 0.1, undefined];
  const { rows } = await run(text, values);
  const [row] = rows;
  expect(row).toEqual({
    text: 'ß\u{1F600}',
    list: [1, 2],
    json: { a: [1] },
    at,
    bytes: Buffer.from([0, 255]),
    yes: true,
    big: '1152921504606846976',
    float: 0.1,
    nothing: null,
  });
});

it('answers a text of several statements with the last of them', async () => {
  expect(await run('SELECT 1 AS a UNION SELECT 2; SELECT 3 AS b')).toMatchObject({
    rows: [{ b: 3 }],
    rowCount: 1,
    command: 'SELECT',
  });
  expect(await run('SELECT 1 AS a; CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (2)')).toMatchObject({
    rows: [],
    rowCount: 2,
    command: 'INSERT',
  });
  expect(await run('')).toMatchObject({ rows: [], rowCount: null });
  expect(await run('', [1])).toMatchObject({ rows: [], rowCount: null });
});

it('goes on after statements whose answers or parameters cannot be handled', async () => {
  await run('CREATE TEMP TABLE moved (n int)');
  await run('INSERT INTO moved SELECT generate_series(1, 3)');
  await expect(run('COPY moved FROM STDIN')).rejects.toMatchObject({ code: '57014' });
  expect(await run('COPY moved TO STDOUT')).toMatchObject({ command: 'COPY', rowCount: 3, rows: [] });
  await expect(run('SELECT $1::json', [{ n: 1n }])).rejects.toThrow(/BigInt/);
  expect((await run('SELECT $1::int AS n', [7])).rows).toEqual([{ n: 7 }]);
});
