import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { activeStatements, FOREVER, makePool, tendedPools, until } from './pool-fixture.js';
import { Tap } from './tap.js';

let server: PostgresServer;
const open = tendedPools(() => server, { max: 1 });

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});

afterAll(() => server.close());

describe('cancel', () => {
  it('leaves a transaction in failure, for its owner to end', async () => {
    const { pool, applicationName } = open();
    const connection = await pool.acquire(FOREVER);
    await connection.begin(undefined);
    const running = connection.query('SELECT pg_sleep(30)', undefined, undefined);
    await until(async () => (await activeStatements(server.url, applicationName)) === 1);
    connection.cancel();
    await expect(running).rejects.toMatchObject({ code: '57014' });
    expect(connection.inTransaction).toBe(true);
    await expect(connection.query('SELECT 1', undefined, undefined)).rejects.toMatchObject({ code: '25P02' });
    expect(await connection.commit()).toBe(false);
    await connection.release();
  });

  it('does not send a statement whose limit was still being set', async () => {
    const tap = await Tap.before(server.url);
    const made = makePool(tap, { max: 1 });
    const connection = await made.pool.acquire(FOREVER);
    const stopped = connection.query('SELECT 1', undefined, 100);
    connection.cancel();
    await expect(stopped).rejects.toMatchObject({ code: '57014' });
    expect(made.pool.classify(await stopped.catch((error: unknown) => error))).toBe('cancelled');
    expect(tap.statements).toEqual(['SET statement_timeout = 100']);
    expect(tap.cancels).toBe(0);
    await connection.release();
    await made.pool.close(0);
    await tap.close();
  });

  it('lets nothing follow before one empty round trip has come back', async () => {
    const tap = await Tap.before(server.url);
    const made = makePool(tap, { max: 1 });
    const connection = await made.pool.acquire(FOREVER);
    const victim = connection.query('SELECT pg_sleep(30)', undefined, undefined).catch(() => 'cancelled');
    await until(() => tap.statements.length === 1);
    connection.cancel();
    const own = connection.query('SELECT 1', undefined, undefined);
    expect(await victim).toBe('cancelled');
    await own;
    expect(tap.statements).toEqual(['SELECT pg_sleep(30)', '', 'SELECT 1']);
    expect(tap.cancels).toBe(1);
    await connection.release();
    await made.pool.close(0);
    await tap.close();
  });

  it('is never sent into a COMMIT, however it was written', async () => {
    const tap = await Tap.before(server.url);
    const made = makePool(tap, { max: 1 });
    const connection = await made.pool.acquire(FOREVER);
    for (const commit of [
      () => connection.commit(),
      () => connection.query(' -- done\nCOMMIT', undefined, undefined),
    ]) {
      await connection.begin(undefined);
      await connection.query('CREATE TABLE IF NOT EXISTS kept (n int)', undefined, undefined);
      const committing = commit();
      expect(connection.busy).toBe(true);
      connection.cancel();
      await committing;
      expect(connection.inTransaction).toBe(false);
    }
    expect(tap.cancels).toBe(0);
    await connection.release();
    await made.pool.close(0);
    await tap.close();
  });

  it('would hit the next statement if it were sent the careless way', async () => {
    const { pool } = open();
    let hits = 0;
    for (let i = 0; i < 200 && hits === 0; i += 1) {
      const connection = await pool.acquire(FOREVER);
      hits += await carelessCancel(connection);
      await connection.release();
    }
    expect(hits).toBeGreaterThan(0);
  });
});

/** Signals the session from beside the pool while a short statement ends, and does not wait for the signal. */
async function carelessCancel(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', undefined, undefined);
  const short = connection.query('SELECT 1', undefined, undefined).catch(() => undefined);
  const signal = import('./pool-fixture.js').then(({ ask }) =>
    ask(server.url, 'SELECT pg_cancel_backend($1)', [rows[0]?.pid]),
  );
  await short;
  const next = connection.query('SELECT pg_sleep(0.05)', undefined, undefined).then(
    () => 0,
    () => 1,
  );
  await signal;
  return await next;
}
