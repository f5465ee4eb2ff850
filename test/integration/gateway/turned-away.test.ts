import { createGateway, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

// A pooler has one session of the server, somebody keeps it, and who waits for it is sent away.

const SIZE = 4;

let postgres: PostgresServer;
let pooler: PgbouncerServer;
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE ledger (entry int)');
  const { password } = new URL(postgres.url);
  pooler = await startPgbouncer({
    databases: [`main = host=127.0.0.1 port=${postgres.port} dbname=postgres pool_size=1`],
    users: { postgres: password },
    settings: { query_wait_timeout: 1, log_disconnections: 1 },
  });
  url = `postgres://postgres:${password}@127.0.0.1:${pooler.port}/main`;
});
afterAll(async () => {
  await pooler.close();
  await postgres.close();
});
beforeEach(async () => {
  await ask(postgres.url, 'TRUNCATE ledger');
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { main: { url, max: SIZE, minIdle: SIZE, pooler: 'pgbouncer', breaker: false } },
      routes: {
        work: { pool: 'main', deadlineMs: 20_000 },
        // Less than twice what the pooler lets anybody wait.
        hasty: { pool: 'main', deadlineMs: 1_600 },
      },
    },
    { env: {}, logger: new LogBook() },
  );
});
afterEach(async () => {
  await until(() => busyParts(gateway).length === 0);
  await gateway.drain({ timeoutMs: 0 });
});

const entries = async (): Promise<number> =>
  (await ask<{ n: number }>(postgres.url, 'SELECT count(*)::int AS n FROM ledger'))[0]?.n ?? -1;

const gauges = () => [...gateway.telemetry().pools()][0]?.gauges() ?? expect.fail('there is no pool');

/** Each connection answers: one that was not heard of lately is asked for a BEGIN first, which would be kept waiting. */
async function hearFromAll(): Promise<void> {
  await until(() => gauges().idle === SIZE);
  const all = latch();
  let heard = 0;
  const hear = () =>
    gateway.run('work', async (handle) => {
      const client = await handle.connect();
      await client.query('SELECT 1');
      heard += 1;
      if (heard === SIZE) all.open();
      await all.promise;
      client.release();
    });
  await Promise.all(Array.from({ length: SIZE }, hear));
}

/** Keeps the only session of the server until something has waited for it in vain. */
async function keptFromAll<T>(work: () => Promise<T>, over = (): boolean => true): Promise<T> {
  await hearFromAll();
  const { lost } = gauges();
  const gone = latch();
  const began = latch();
  const keeper = gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query('SELECT 1');
      began.open();
      await gone.promise;
    }),
  );
  await began.promise;
  const asked = work();
  // Awaited below; meanwhile nobody hears of it.
  asked.catch(() => undefined);
  await until(() => gauges().lost > lost && over());
  gone.open();
  await keeper;
  return asked;
}

describe('a pooler that sends its client away before anybody has heard of the statement', () => {
  it('costs a statement nothing but time: it is asked of another connection', async () => {
    const insert = () => gateway.run('work', (handle) => handle.query('INSERT INTO ledger VALUES ($1)', [1]));
    await expect(keptFromAll(insert)).resolves.toMatchObject({ rowCount: 1 });
    expect(await entries()).toBe(1);
  });

  it('costs a transaction nothing but time: its handler runs once', async () => {
    let ran = 0;
    const order = () =>
      gateway.run('work', (handle) =>
        handle.transaction(async (client) => {
          ran += 1;
          await client.query('INSERT INTO ledger VALUES ($1)', [1]);
          await client.query('INSERT INTO ledger VALUES ($1)', [2]);
        }),
      );
    await keptFromAll(order);
    expect([ran, await entries()]).toEqual([1, 2]);
  });

  it('tells a transaction with several statements under way that it is rolled back', async () => {
    let refused = false;
    const order = () =>
      gateway.run('work', (handle) =>
        handle.transaction(async (client) => {
          const both = Promise.all([1, 2].map((entry) => client.query('INSERT INTO ledger VALUES ($1)', [entry])));
          await both.finally(() => {
            refused = true;
          });
        }),
      );
    await expect(keptFromAll(order, () => refused)).rejects.toMatchObject({
      code: 'connection_lost',
      outcome: 'rolled_back',
    });
    expect(await entries()).toBe(0);
  });

  it('costs one whose handler waits for no statement nothing either', async () => {
    const order = () =>
      gateway.run('work', (handle) =>
        handle.transaction(async (client) => {
          void client.query('INSERT INTO ledger VALUES ($1)', [1]);
        }),
      );
    await keptFromAll(order);
    expect(await entries()).toBe(1);
  });

  it('never commits half of a transaction: what was asked while its first statement moved has failed', async () => {
    const order = () => {
      const { lost } = gauges();
      return gateway.run('work', (handle) =>
        handle.transaction(async (client) => {
          const first = client.query('INSERT INTO ledger VALUES ($1)', [1]);
          await until(() => gauges().lost > lost);
          await client.query('INSERT INTO ledger VALUES ($1)', [2]).catch(() => undefined);
          refused = true;
          await first.catch(() => undefined);
        }),
      );
    };
    let refused = false;
    await expect(keptFromAll(order, () => refused)).rejects.toMatchObject({ code: 'connection_lost' });
    expect(await entries()).toBe(0);
  });

  it('is told at the deadline where the server stays away: nothing has taken effect', async () => {
    const insert = () => gateway.run('hasty', (handle) => handle.query('INSERT INTO ledger VALUES ($1)', [1]));
    let told: unknown;
    await keptFromAll(
      () => insert().catch((error: unknown) => (told = error)),
      () => told !== undefined,
    );
    expect(told).toMatchObject({ code: 'deadline_expired', outcome: 'rolled_back' });
    expect(await entries()).toBe(0);
  });
});
