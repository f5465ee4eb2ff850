import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, expectAtRest, FOREVER, makePool, tendedPools } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;
const open = tendedPools(() => server, { max: 1 });

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off', deadlock_timeout: '20ms' } });
  await ask(server.url, 'CREATE TABLE stock (sku int PRIMARY KEY, left_over int NOT NULL)');
  await ask(server.url, 'INSERT INTO stock SELECT n, 1000 FROM generate_series(1, 10) n');
});

afterAll(() => server.close());

async function read(connection: Connection, text: string, limitMs?: number): Promise<unknown> {
  const { rows } = await connection.query<{ value: unknown }>(`SELECT (${text}) AS value`, undefined, limitMs);
  return rows[0]?.value;
}

describe('a statement', () => {
  it('takes parameters and answers with rows, count and command', async () => {
    const connection = await open().pool.acquire(FOREVER);
    const result = await connection.query<{ sum: number }>('SELECT $1::int + $2::int AS sum', [2, 3], 1_000);
    expect(result).toStrictEqual({ rows: [{ sum: 5 }], rowCount: 1, command: 'SELECT' });
    const update = await connection.query('UPDATE stock SET left_over = left_over WHERE sku <= $1', [4], undefined);
    expect(update).toStrictEqual({ rows: [], rowCount: 4, command: 'UPDATE' });
    await connection.release();
  });

  it('runs in the order of the calls, one at a time', async () => {
    const connection = await open().pool.acquire(FOREVER);
    const results = await Promise.all(
      ['SELECT 1 AS n, pg_sleep(0.01)', 'SELECT 2 AS n', 'SELECT nonsense', 'SELECT 4 AS n'].map((text) =>
        connection.query<{ n: number }>(text, undefined, undefined).then(
          ({ rows }) => rows[0]?.n,
          (error: Error) => error.message,
        ),
      ),
    );
    expect(results).toEqual([1, 2, 'column "nonsense" does not exist', 4]);
    await connection.release();
  });

  it('cleans what a function changes in its session where a comment names it', async () => {
    await ask(
      server.url,
      "CREATE OR REPLACE FUNCTION enter(t text) RETURNS void LANGUAGE sql AS $$ SELECT set_config('app.t', t, false) $$",
    );
    const { pool } = open();
    const borrow = async (text: string): Promise<unknown> => {
      const connection = await pool.acquire(FOREVER);
      const before = await read(connection, "current_setting('app.t', true)");
      await connection.query(text, ['a'], undefined);
      await connection.release();
      return before;
    };
    expect(await borrow('SELECT enter($1) /* set_config */')).toBeNull();
    // DISCARD ALL leaves the name, and no value.
    expect(await borrow('SELECT enter($1)')).toBe('');
    expect(await borrow('SELECT $1')).toBe('a');
  });

  it('refuses what the driver would not send, and stays usable', async () => {
    const connection = await open().pool.acquire(FOREVER);
    const untyped = connection.query.bind(connection) as (...args: unknown[]) => Promise<unknown>;
    await expect(untyped(undefined)).rejects.toThrow('text must be');
    await expect(untyped('SELECT 1', 'one')).rejects.toThrow('values must be');
    const unprintable = {
      toPostgres: (): never => {
        throw new Error('cannot be printed');
      },
    };
    await expect(connection.query('SELECT $1', [unprintable], undefined)).rejects.toThrow('cannot be printed');
    expect(await read(connection, '7')).toBe(7);
    await connection.release();
  });

  it('fails with a stack that names the caller', async () => {
    const connection = await open().pool.acquire(FOREVER);
    const placeOrder = async (): Promise<unknown> => await connection.query('SELECT nonsense', undefined, undefined);
    const error: unknown = await placeOrder().catch((reason: unknown) => reason);
    expect((error as Error).stack).toContain('placeOrder');
    await connection.release();
  });
});

describe('the limit of a statement', () => {
  it('is rounded up to a step and set only when the step changes', async () => {
    const tap = await Tap.before(server.url);
    const made = makePool(tap, { max: 1 });
    const connection = await made.pool.acquire(FOREVER);
    for (const limitMs of [undefined, 450, 201, 500, 501, 501, undefined, undefined]) {
      await connection.query('SELECT 1', undefined, limitMs);
    }
    expect(tap.statements).toEqual([
      'SELECT 1',
      'SET statement_timeout = 500',
      'SELECT 1',
      'SELECT 1',
      'SELECT 1',
      'SET statement_timeout = 1000',
      'SELECT 1',
      'SELECT 1',
      'RESET statement_timeout',
      'SELECT 1',
      'SELECT 1',
    ]);
    await connection.release();
    await expectAtRest(made, server.url);
    await made.pool.close(0);
    await tap.close();
  });

  it('stops the statement on the server with 57014 and leaves the connection usable', async () => {
    const { pool } = open();
    const connection = await pool.acquire(FOREVER);
    const failure: unknown = await connection
      .query('SELECT pg_sleep(30)', undefined, 40)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: '57014', message: expect.stringContaining('statement timeout') });
    expect(pool.classify(failure)).toBe('cancelled');
    expect(await read(connection, '1')).toBe(1);
    expect(pool.gauges().cancels).toBe(0);
    await connection.release();
  });

  it('is exact and at least 1 ms in a transaction, and ends with it', async () => {
    const tap = await Tap.before(server.url);
    const made = makePool(tap, { max: 1 });
    const connection = await made.pool.acquire(FOREVER);
    await connection.query('SELECT 1', undefined, 1_000);
    await connection.begin(333.4, { isolation: 'serializable', readOnly: true });
    expect(await read(connection, "current_setting('statement_timeout')", 5)).toBe('334ms');
    expect(await read(connection, "current_setting('transaction_isolation')")).toBe('serializable');
    expect(await connection.commit()).toBe(true);
    expect(await read(connection, "current_setting('statement_timeout')", 900)).toBe('1s');
    await connection.begin(0);
    await connection.rollback();
    await connection.begin(undefined);
    await connection.rollback();
    expect(tap.statements.filter((text) => /BEGIN|SET/.test(text))).toEqual([
      'SET statement_timeout = 1000',
      'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SET LOCAL statement_timeout = 334',
      'BEGIN; SET LOCAL statement_timeout = 1',
      'RESET statement_timeout',
      'BEGIN',
    ]);
    await connection.release();
    await made.pool.close(0);
    await tap.close();
  });

  it('is set anew after the session was cleaned', async () => {
    const { pool } = open();
    const first = await pool.acquire(FOREVER);
    await first.query('SET statement_timeout = 7777', undefined, 1_000);
    // The borrower's own limit stands until it asks for another.
    expect(await read(first, "current_setting('statement_timeout')")).toBe('7777ms');
    expect(await read(first, "current_setting('statement_timeout')", 1_000)).toBe('1s');
    await first.release();
    const second = await pool.acquire(FOREVER);
    expect(second.id).toBe(first.id);
    expect(await read(second, "current_setting('statement_timeout')", 1_000)).toBe('1s');
    expect(await read(second, "current_setting('statement_timeout')")).toBe('0');
    await second.release();
  });
});

describe('a transaction', () => {
  it('is committed however long that takes: the limit is for its statements', async () => {
    await ask(server.url, 'CREATE TABLE slow_commit (n int)');
    await ask(
      server.url,
      `CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'`,
    );
    await ask(
      server.url,
      `CREATE CONSTRAINT TRIGGER late AFTER INSERT ON slow_commit DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION take_time()`,
    );
    const { pool } = open();
    const connection = await pool.acquire(FOREVER);
    await connection.begin(100);
    await connection.query('INSERT INTO slow_commit VALUES (1)', undefined, 100);
    expect(await connection.commit()).toBe(true);
    await connection.release();
    expect(await ask(server.url, 'SELECT n FROM slow_commit')).toEqual([{ n: 1 }]);
  });

  it('commits to false when a statement that was not waited for failed before it', async () => {
    const { pool } = open();
    const connection = await pool.acquire(FOREVER);
    await connection.begin(1_000);
    const failing = connection.query('SELECT 1 / 0', undefined, 1_000).catch(() => 'failed');
    const committed = connection.commit();
    expect([await failing, await committed, connection.inTransaction]).toEqual(['failed', false, false]);
    await connection.release();
  });

  it('commits to false when an earlier statement had failed', async () => {
    const connection = await open().pool.acquire(FOREVER);
    await connection.begin(1_000);
    await connection.query('UPDATE stock SET left_over = 0 WHERE sku = 3', undefined, 1_000);
    await expect(connection.query('SELECT nonsense', undefined, 1_000)).rejects.toThrow('nonsense');
    expect(await connection.commit()).toBe(false);
    expect(connection.inTransaction).toBe(false);
    await connection.release();
    expect(await ask(server.url, 'SELECT left_over FROM stock WHERE sku = 3')).toEqual([{ left_over: 1000 }]);
  });

  it('is over when its commit fails, though the server says so a little later', async () => {
    await ask(server.url, 'CREATE TABLE twins (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
    const tap = await Tap.before(server.url);
    tap.readyDelayMs = 20;
    const { pool } = makePool(tap, { max: 1 });
    const connection = await pool.acquire(FOREVER);
    await connection.begin(undefined);
    await connection.query('INSERT INTO twins VALUES (1), (1)', undefined, undefined);
    await expect(connection.commit()).rejects.toMatchObject({ code: '23505' });
    expect(connection.inTransaction).toBe(false);
    void connection.release();
    expect(pool.gauges()).toMatchObject({ idle: 1, inUse: 0 });
    await pool.close(0);
    await tap.close();
  });
});
