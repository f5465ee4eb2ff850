import { createGateway, type Gateway, isSluiceError, type RequestHandle } from 'sluice';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

let postgres: PostgresServer;
let gateway: Gateway;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE held (id int)');
  const { url } = postgres;
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: {
        main: { url, max: 4 },
        nightly: { url, profile: 'batch' },
        schema: { url, profile: 'migration' },
      },
      routes: {
        read: { pool: 'main', deadlineMs: 300 },
        nightly: { pool: 'nightly' },
        alter: { pool: 'schema' },
      },
    },
    { env: {}, logger: new LogBook() },
  );
});
afterAll(async () => {
  await gateway?.drain({ timeoutMs: 0 });
  await postgres?.close();
});

/** What the server holds a statement to, inside and outside a transaction. */
async function settings(route: string): Promise<Record<string, number>[]> {
  const text =
    "SELECT name, setting::int AS ms FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout') ORDER BY name";
  return gateway.run(route, async (handle) => {
    const alone = await handle.query<{ name: string; ms: number }>(text);
    const inside = await handle.transaction((client) => client.query<{ name: string; ms: number }>(text));
    return [alone, inside].map(({ rows }) => Object.fromEntries(rows.map(({ name, ms }) => [name, ms])));
  });
}

/** Runs a job, again while the queue is at its bound: where a job was slow once, a hundred are predicted to be too much. */
async function untilQueued(job: (handle: RequestHandle) => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await gateway.run('nightly', job);
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'queue_full') throw error;
    }
  }
}

describe('pools for long work', () => {
  it('SEG-5: have longer statement timeouts than the flows of users, and lock timeouts of their own', async () => {
    for (const [route, lockMs, least, most] of [
      ['read', 0, 1, 512],
      ['nightly', 30_000, 500_000, 1_100_000],
      ['alter', 2_000, 3_000_000, 4_500_000],
    ] as const) {
      for (const held of await settings(route)) {
        expect(held.lock_timeout).toBe(lockMs);
        expect(held.statement_timeout).toBeGreaterThanOrEqual(least);
        expect(held.statement_timeout).toBeLessThanOrEqual(most);
      }
    }
  });

  it('SEG-3: a hundred of them never hold more connections than their pool has', async () => {
    let most = 0;
    const marked = 'SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE $1 AND state <> $2';
    const jobs = Array.from({ length: 100 }, () =>
      untilQueued(async (handle) => {
        const { rows } = await handle.query<{ n: number }>(`/* nightly */ ${marked}`, ['/* nightly */%', 'idle']);
        most = Math.max(most, rows[0]?.n ?? 99);
        await handle.query('/* nightly */ SELECT pg_sleep(0.005)');
      }),
    );
    await Promise.all(jobs);
    expect(most).toBe(2);
    expect(gateway.snapshot().pools.find(({ name }) => name === 'nightly')?.connections.opened).toBe(2);
  });

  it('SEG-4: a long query in one leaves the main pool alone, and is cut where it does not belong', async () => {
    const stop = new AbortController();
    const long = ['nightly', 'alter'].map((route) =>
      gateway
        .run(route, (handle) => handle.query('SELECT pg_sleep(30)'), { signal: stop.signal })
        .catch(() => 'stopped'),
    );
    const busy = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'";
    await until(async () => (await ask(postgres.url, busy)).length === 2);
    const times = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const from = performance.now();
        await gateway.run('read', (handle) => handle.query('SELECT 1'));
        return performance.now() - from;
      }),
    );
    expect(Math.max(...times)).toBeLessThan(300);
    const cut = gateway.run('read', (handle) => handle.query('SELECT pg_sleep(30)'));
    await expect(cut).rejects.toMatchObject({ code: 'deadline_expired', status: 504 });
    await until(async () => (await ask(postgres.url, busy)).length === 2);
    stop.abort();
    expect(await Promise.all(long)).toEqual(['stopped', 'stopped']);
  });

  it('SEG-5: a migration gives up on a lock before others have queued behind it for long', async () => {
    const done = latch();
    const locked = latch();
    const holder = gateway.run('nightly', (handle) =>
      handle.transaction(async (client) => {
        await client.query('INSERT INTO held VALUES (1)');
        locked.open();
        await done.promise;
      }),
    );
    await locked.promise;
    const from = performance.now();
    const alter = gateway.run('alter', (handle) => handle.query('ALTER TABLE held ADD COLUMN note text'));
    await expect(alter).rejects.toMatchObject({ code: 'database_busy', measured: { sql_state: '55P03' } });
    expect(performance.now() - from).toBeGreaterThan(1_900);
    expect(performance.now() - from).toBeLessThan(4_000);
    done.open();
    await holder;
  });
});
