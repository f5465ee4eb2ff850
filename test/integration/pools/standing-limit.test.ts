import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { FOREVER, makePool } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());

it('BP-11: says the limit of transactions that come one after the other only once, and holds them to it', async () => {
  const tap = await Tap.before(server.url);
  const { pool } = makePool({ url: tap.url }, { max: 1 });
  const connection = await pool.acquire(FOREVER);
  const begin = async (limitMs: number): Promise<string[]> => {
    tap.statements.length = 0;
    await connection.begin(limitMs);
    return [...tap.statements];
  };
  const sleep = (seconds: number): Promise<unknown> =>
    connection.query(`SELECT pg_sleep(${seconds})`, undefined, undefined);
  for (let i = 0; i < 4; i += 1) {
    expect(await begin(80 - i)).toEqual([`BEGIN; SET LOCAL statement_timeout = ${80 - i}`]);
    await connection.commit();
  }
  expect(await begin(80)).toEqual(['SET statement_timeout = 100', 'BEGIN']);
  await connection.rollback();
  expect(await begin(80)).toEqual(['BEGIN']);
  const from = performance.now();
  await expect(sleep(30)).rejects.toMatchObject({ code: '57014' });
  expect(performance.now() - from).toBeLessThan(1_000);
  await connection.rollback();
  // Another limit is said again, and wins over the one that stands.
  expect(await begin(20_000)).toEqual(['BEGIN; SET LOCAL statement_timeout = 20000']);
  await sleep(0.2);
  await connection.commit();
  expect(await begin(80)).toEqual(['BEGIN']);
  await connection.commit();
  expect(await begin(Number.POSITIVE_INFINITY)).toEqual(['RESET statement_timeout', 'BEGIN']);
  await connection.commit();
  await connection.release();
  await pool.close(0);
  await tap.close();
});

it('BP-11: gives a statement a limit that passes in its own message, and holds it to that alone', async () => {
  const tap = await Tap.before(server.url);
  const { pool } = makePool({ url: tap.url }, { max: 1 });
  const connection = await pool.acquire(FOREVER);
  const sleep = (seconds: number, limitMs: number): Promise<unknown> =>
    connection.query('SELECT pg_sleep($1)', [seconds], limitMs);
  await expect(sleep(30, 80)).rejects.toMatchObject({ code: '57014' });
  await sleep(0.2, 20_000);
  expect(tap.statements).toEqual([
    "SELECT set_config('statement_timeout', '100', true)",
    'SELECT pg_sleep($1)',
    "SELECT set_config('statement_timeout', '30000', true)",
    'SELECT pg_sleep($1)',
  ]);
  // What may have to stand alone in its message does.
  tap.statements.length = 0;
  await connection.query('VACUUM', undefined, 20_000);
  expect(tap.statements.at(-1)).toBe('VACUUM');
  await connection.release();
  await pool.close(0);
  await tap.close();
});

it('BP-11: holds the statement to it that opens a transaction, and those that follow', async () => {
  const tap = await Tap.before(server.url);
  const { pool } = makePool({ url: tap.url }, { max: 1 });
  const connection = await pool.acquire(FOREVER);
  await connection.query('SELECT 1', undefined, undefined);
  const stopped = { code: '57014' };
  await expect(connection.beginWith('SELECT pg_sleep($1)', [30], 80)).rejects.toMatchObject(stopped);
  expect(connection.inTransaction).toBe(true);
  await connection.rollback();
  await connection.beginWith('SELECT $1::int', [1], 80);
  await expect(connection.query('SELECT pg_sleep($1)', [30], 20_000)).rejects.toMatchObject(stopped);
  await connection.rollback();
  await connection.query('SELECT pg_sleep($1)', [0.2], 20_000);
  expect(connection.beginWith('SELECT 1', undefined, 80)).toBeUndefined();
  expect(connection.beginWith('SET application_name = $1', ['x'], 80)).toBeUndefined();
  await connection.release();
  await pool.close(0);
  await tap.close();
});

it.each(['statement_timeout=150', 'options=-c%20statement_timeout%3D150ms'])(
  'never loosens the limit that the url sets by %s, and keeps to the shorter one of a deadline',
  async (query) => {
    const tap = await Tap.before(server.url);
    const { pool } = makePool({ url: `${tap.url}?${query}` }, { max: 1 });
    const connection = await pool.acquire(FOREVER);
    const stopped = { code: '57014' };
    const limits = async (limitMs: number): Promise<unknown[]> => {
      const text = "SELECT current_setting('statement_timeout') AS now, $1::int";
      const seen: unknown[] = [(await connection.query<{ now: string }>(text, [1], limitMs)).rows[0]?.now];
      for (let i = 0; i < 6; i += 1) {
        await connection.begin(limitMs);
        seen.push((await connection.query<{ now: string }>(text, [1], limitMs)).rows[0]?.now);
        await connection.commit();
      }
      return [...new Set(seen)];
    };
    expect(await limits(20_000)).toEqual(['150ms']);
    await expect(connection.query('SELECT pg_sleep($1)', [30], 20_000)).rejects.toMatchObject(stopped);
    await expect(connection.beginWith('SELECT pg_sleep($1)', [30], 20_000)).rejects.toMatchObject(stopped);
    await connection.rollback();
    // Rounded up to a step, 130 would be 200.
    expect(await limits(130)).toEqual(['150ms']);
    expect(await limits(100)).toEqual(['100ms']);
    expect(await limits(Number.POSITIVE_INFINITY)).toEqual(['150ms']);
    await connection.release();
    await pool.close(0);
    await tap.close();
  },
);
