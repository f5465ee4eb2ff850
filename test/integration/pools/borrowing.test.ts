import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
import type { PgPoolOptions } from '../../../src/pools/connection-pool.js';
import { AcquireTimeoutError, PoolClosedError } from '../../../src/pools/contract.js';
import { readServerLimits } from '../../../src/pools/server-limits.js';
import {
  activeStatements,
  ask,
  expectAtRest,
  FOREVER,
  makePool,
  type PoolUnderTest,
  pidOf,
  sessionsOf,
  until,
  within,
} from './pool-fixture.js';

let server: PostgresServer;
const tested: PoolUnderTest[] = [];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});

afterEach(async () => {
  for (const each of tested.splice(0)) {
    await expectAtRest(each, server.url);
    await each.pool.close(0);
    await until(async () => (await sessionsOf(server.url, each.applicationName)).length === 0);
  }
});

afterAll(() => server.close());

function open(options: Partial<PgPoolOptions> = {}): PoolUnderTest {
  const made = makePool(server, options);
  tested.push(made);
  return made;
}

describe('borrowing', () => {
  it('is down until the first session is open, then up', async () => {
    const { pool, journal } = open();
    expect(pool.state).toBe('down');
    expect(pool.downSinceMs).toBeTypeOf('number');
    expect(pool.tryAcquire()).toBeUndefined();
    await journal.reached('up');
    expect(pool.state).toBe('up');
    expect(pool.downSinceMs).toBeUndefined();
    expect(journal.entries).toEqual(['up']);
  });

  it('serves a released connection in the same tick', async () => {
    const { pool } = open({ max: 1 });
    const first = await pool.acquire(FOREVER);
    expect(pool.tryAcquire()).toBeUndefined();
    void first.release();
    const second = pool.tryAcquire();
    expect(second?.id).toBe(first.id);
    await second?.release();
  });

  it('never opens more sessions than max', async () => {
    const { pool, applicationName } = open({ max: 3 });
    const most = { total: 0, seen: 0 };
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const connection = await pool.acquire(FOREVER);
        const { total, connecting } = pool.gauges();
        most.total = Math.max(most.total, total + connecting);
        await connection.query('SELECT pg_sleep(0.002)', undefined, undefined);
        if (i % 5 === 0) most.seen = Math.max(most.seen, (await sessionsOf(server.url, applicationName)).length);
        await connection.release();
      }),
    );
    expect(most).toEqual({ total: 3, seen: 3 });
  });

  it('serves waiting borrowers class by class, oldest first within a class', async () => {
    const { pool } = open({ max: 1 });
    const holder = await pool.acquire(FOREVER);
    const order: string[] = [];
    const borrow = async (name: string, rank: 0 | 1 | 2 | 3): Promise<void> => {
      const connection = await pool.acquire(within(5_000, rank));
      order.push(name);
      await connection.release();
    };
    const all = [
      borrow('low', 3),
      borrow('normal 1', 2),
      borrow('critical', 0),
      borrow('normal 2', 2),
      borrow('high', 1),
    ];
    expect(pool.gauges().acquiring).toBe(5);
    await holder.release();
    await Promise.all(all);
    expect(order).toEqual(['critical', 'high', 'normal 1', 'normal 2', 'low']);
  });

  it('refuses a waiting borrower at its deadline, and only that one', async () => {
    const { pool } = open({ max: 1 });
    const holder = await pool.acquire(FOREVER);
    const patient = pool.acquire(within(5_000));
    const asked = performance.now();
    await expect(pool.acquire(within(40))).rejects.toThrow(AcquireTimeoutError);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(39);
    expect(pool.gauges().acquiring).toBe(1);
    await expect(pool.acquire(within(-1))).rejects.toThrow(AcquireTimeoutError);
    await holder.release();
    await (await patient).release();
  });

  it('does not make a waiting borrower wait for a connect while another connection comes free', async () => {
    const { pool, journal } = open({ max: 2 });
    await journal.reached('up');
    const first = await pool.acquire(FOREVER);
    const waiting = pool.acquire(FOREVER);
    expect(pool.gauges().connecting).toBe(1);
    void first.release();
    const second = await waiting;
    expect(second.id).toBe(first.id);
    await until(() => pool.gauges().idle === 1);
    await second.release();
  });

  it('opens at most four sessions at once', async () => {
    const { pool, journal } = open({ max: 12 });
    await journal.reached('up');
    const all = Array.from({ length: 12 }, () => pool.acquire(FOREVER));
    expect(pool.gauges().connecting).toBe(4);
    const connections = await Promise.all(all);
    expect(new Set(connections.map((each) => each.id)).size).toBe(12);
    await Promise.all(connections.map((each) => each.release()));
  });

  it('keeps a handle from the next borrower of the same session', async () => {
    const { pool } = open({ max: 1 });
    const stale = await pool.acquire(FOREVER);
    await stale.release();
    const next = await pool.acquire(FOREVER);
    expect(next.id).toBe(stale.id);
    const running = next.query<{ n: number }>('SELECT 1 AS n, pg_sleep(0.05)', undefined, undefined);
    await expect(stale.query('SELECT 2', undefined, undefined)).rejects.toThrow('used after release');
    await expect(stale.begin(undefined)).rejects.toThrow('used after release');
    await expect(stale.commit()).rejects.toThrow('used after release');
    await expect(stale.rollback()).rejects.toThrow('used after release');
    stale.cancel();
    stale.destroy();
    await stale.release();
    expect([stale.alive, stale.busy, stale.inTransaction]).toEqual([false, false, false]);
    expect((await running).rows[0]?.n).toBe(1);
    expect(pool.gauges()).toMatchObject({ inUse: 1, cancels: 0 });
    await next.release();
  });

  it('takes a second release for none', async () => {
    const { pool } = open({ max: 2 });
    const connection = await pool.acquire(FOREVER);
    await Promise.all([connection.release(), connection.release()]);
    await connection.release();
    expect(pool.gauges()).toMatchObject({ idle: 1, inUse: 0, total: 1 });
  });

  it('replaces a destroyed connection', async () => {
    const { pool } = open({ max: 1 });
    const first = await pool.acquire(FOREVER);
    const pid = await pidOf(first);
    first.destroy();
    expect(first.alive).toBe(false);
    await first.release();
    const second = await pool.acquire(FOREVER);
    expect(await pidOf(second)).not.toBe(pid);
    expect(pool.gauges()).toMatchObject({ lost: 0, opened: 2, state: 'up' });
    await second.release();
  });

  it('stops the statement of a destroyed connection on the server', async () => {
    const { pool, applicationName } = open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    const running = connection.query('SELECT pg_sleep(30)', undefined, undefined);
    await until(async () => (await activeStatements(server.url, applicationName)) === 1);
    connection.destroy();
    await expect(running).rejects.toThrow('destroyed');
    await connection.release();
    await until(async () => (await sessionsOf(server.url, applicationName)).length === 0, 2_000);
  });

  it('reads the limits of the server', async () => {
    const { pool } = open();
    const connection = await pool.acquire(FOREVER);
    expect(await readServerLimits(connection)).toEqual({ maxConnections: 100, superuserReserved: 3 });
    await connection.release();
    expect(pool.gauges().idle).toBe(1);
  });
});

describe('age', () => {
  it('keeps minIdle sessions open and closes the rest when they stay idle', async () => {
    const { pool } = open({ max: 4, minIdle: 1, idleTimeoutMs: 50 });
    const all = await Promise.all(Array.from({ length: 4 }, () => pool.acquire(FOREVER)));
    expect(pool.gauges().total).toBe(4);
    await Promise.all(all.map((each) => each.release()));
    await until(() => pool.gauges().total === 1);
    expect(pool.gauges().idle).toBe(1);
  });

  it('warms minIdle without anybody asking', async () => {
    const { pool } = open({ max: 4, minIdle: 3 });
    await until(() => pool.gauges().idle === 3);
    expect(pool.gauges().connecting).toBe(0);
  });

  it('replaces sessions at the end of their lifetime, idle or at their return, never while lent', async () => {
    const { pool } = open({ max: 1, minIdle: 1, maxLifetimeMs: 60 });
    const connection = await pool.acquire(FOREVER);
    const { id } = connection;
    await connection.query('SELECT pg_sleep(0.15)', undefined, undefined);
    expect(connection.alive).toBe(true);
    await connection.release();
    await until(() => pool.gauges().idle === 1 && pool.gauges().opened >= 2);
    const next = await pool.acquire(FOREVER);
    expect(next.id).not.toBe(id);
    await next.release();
    const { opened } = pool.gauges();
    await until(() => pool.gauges().opened > opened);
    expect(pool.gauges().lost).toBe(0);
  });

  it('does not lend a session once more at the end of its lifetime', async () => {
    const { pool } = open({ max: 1, maxLifetimeMs: 30 });
    const old = await pool.acquire(FOREVER);
    await old.query('SELECT pg_sleep(0.05)', undefined, undefined);
    const waiting = pool.acquire(FOREVER);
    await old.release();
    const next = await waiting;
    expect(next.id).not.toBe(old.id);
    await next.release();
  });

  it('spreads the ends of sessions born together over a tenth of the lifetime', async () => {
    const draws = [0, 0.999];
    const { pool, journal } = open({ max: 2, maxLifetimeMs: 1_000, random: () => draws.shift() ?? 0 });
    await journal.reached('up');
    const both = await Promise.all([pool.acquire(FOREVER), pool.acquire(FOREVER)]);
    await Promise.all(both.map((each) => each.release()));
    await until(() => pool.gauges().total === 1);
    const first = performance.now();
    await until(() => pool.gauges().total === 0);
    expect(performance.now() - first).toBeGreaterThan(40);
  });

  it('validates a session that was idle for long before it is lent', async () => {
    const { pool, applicationName } = open({ max: 1, validateAfterIdleMs: 10 });
    await (await pool.acquire(FOREVER)).release();
    const idleFrom = performance.now();
    await until(() => performance.now() - idleFrom > 12);
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.gauges()).toMatchObject({ idle: 0, cleaning: 1, total: 1 });
    const connection = await pool.acquire(FOREVER);
    expect(await lastStatement(applicationName)).toBe('');
    expect(pool.gauges().opened).toBe(1);
    await connection.release();
  });
});

describe('a stall of the event loop', () => {
  it('is not taken for a server that does not answer', async () => {
    const { pool } = open({ max: 1, validateAfterIdleMs: 5 });
    await (await pool.acquire(FOREVER)).release();
    const idleFrom = performance.now();
    await until(() => performance.now() - idleFrom > 6);
    const connection = pool.acquire(within(5_000));
    expect(pool.gauges().cleaning).toBe(1);
    // The question is on its way; the answer lies in the socket long before the bound of 500 ms.
    const stallFrom = performance.now();
    while (performance.now() - stallFrom < 600);
    await (await connection).release();
    expect(pool.gauges()).toMatchObject({ lost: 0, opened: 1, state: 'up' });
  });
});

describe('closing', () => {
  it('waits for lent connections, refuses new borrowers, and leaves no session', async () => {
    const { pool, applicationName } = open({ max: 2 });
    const connection = await pool.acquire(FOREVER);
    const other = await pool.acquire(FOREVER);
    const waiting = pool.acquire(FOREVER);
    const closing = pool.close(Number.POSITIVE_INFINITY);
    expect(pool.close(0)).toBe(closing);
    expect(pool.state).toBe('closed');
    await expect(waiting).rejects.toThrow(PoolClosedError);
    await expect(pool.acquire(FOREVER)).rejects.toThrow(PoolClosedError);
    expect(pool.tryAcquire()).toBeUndefined();
    expect((await connection.query('SELECT 1', undefined, undefined)).rowCount).toBe(1);
    await other.release();
    await connection.release();
    await closing;
    expect(pool.gauges()).toMatchObject({ total: 0, connecting: 0 });
    expect(await sessionsOf(server.url, applicationName)).toEqual([]);
  });

  it('cancels and destroys what is still lent at the deadline', async () => {
    const { pool, applicationName } = open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    const running = connection.query('SELECT pg_sleep(30)', undefined, undefined);
    await until(async () => (await activeStatements(server.url, applicationName)) === 1);
    const closing = pool.close(within(30).deadlineAtMs);
    await expect(running).rejects.toThrow('destroyed');
    await closing;
    expect(pool.gauges()).toMatchObject({ total: 0, inUse: 0, cancels: 1 });
    await until(async () => (await sessionsOf(server.url, applicationName)).length === 0, 2_000);
    await connection.release();
  });

  it('gives up a connect that is under way', async () => {
    const { pool } = open();
    expect(pool.gauges().connecting).toBe(1);
    await pool.close(Number.POSITIVE_INFINITY);
    expect(pool.gauges()).toMatchObject({ connecting: 0, total: 0 });
  });
});

async function lastStatement(applicationName: string): Promise<string | undefined> {
  const rows = await ask<{ query: string }>(
    server.url,
    'SELECT query FROM pg_stat_activity WHERE application_name = $1',
    [applicationName],
  );
  return rows[0]?.query;
}
