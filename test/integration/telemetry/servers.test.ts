import { metrics } from 'sluice/express';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { type Bench, latch, serve } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { Scrape, scrape } from './scrape.js';

let postgres: PostgresServer;
let bench: Bench;
const origin = (): string => `http://127.0.0.1:${bench.port}`;

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, 'CREATE TABLE hot AS SELECT 1 AS id');
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 3, minIdle: 3 }, operator: { max: 1, minIdle: 1, admin: true } },
      routes: { work: { pool: 'main', deadlineMs: 10_000 }, look: { pool: 'operator', deadlineMs: 10_000 } },
    },
    (app, gateway) => {
      app.get('/metrics', metrics(gateway));
      app.get('/all', metrics(gateway, { serverMetrics: true, hostMetrics: true }));
    },
  );
});
afterEach(async () => {
  await bench.atRest();
  await bench.close();
  await postgres.close();
});

async function all(): Promise<Scrape> {
  return new Scrape(await (await fetch(`${origin()}/all`)).text());
}

test('sessions that wait for a lock are seen from the pool of the operators, also while the other is full', async () => {
  const held = latch();
  const done = latch();
  const holder = bench.gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query('UPDATE hot SET id = id');
      held.open();
      await done.promise;
    }),
  );
  await held.promise;
  const waiters = [1, 2].map(() => bench.gateway.run('work', (handle) => handle.query('UPDATE hot SET id = id')));
  await until(async () => {
    const seen = await all();
    return seen.sum('sluice_server_sessions_waiting', { pool: 'operator', reason: 'lock' }) === 2;
  });
  const seen = await all();
  expect(seen.sum('sluice_server_sessions_active', { pool: 'operator' })).toBe(2);
  expect(seen.sum('sluice_server_sessions_idle_in_transaction', { pool: 'operator' })).toBe(1);
  done.open();
  await Promise.all([holder, ...waiters]);
});

test('nobody asks a server unless it was asked for', async () => {
  await scrape(origin());
  await scrape(origin());
  expect(
    await ask(
      postgres.url,
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%backend_type%' AND pid <> pg_backend_pid()",
    ),
  ).toEqual([]);
  const text = await (await fetch(`${origin()}/metrics`)).text();
  expect(text).not.toMatch(/sluice_(server|host)_/);
  await all();
  await until(async () => (await all()).sum('sluice_server_sessions_active') === 0);
  const asked = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%backend_type%' AND pid <> pg_backend_pid()";
  expect((await ask(postgres.url, asked)).length).toBeGreaterThan(0);
});

test('looks of others, which come at the same moment, are no work', async () => {
  const ends = new AbortController();
  const slow = (text: string) =>
    bench.gateway.run('work', (handle) => handle.query(`SELECT ${text} pg_sleep(20)`), { signal: ends.signal });
  const both = [slow('/* a look of Sluice */'), slow('')].map((each) => each.catch(() => undefined));
  const running = () => ask(postgres.url, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)'");
  await until(async () => (await running()).length === 2);
  await until(async () => (await all()).sum('sluice_server_sessions_active', { pool: 'operator' }) > 0);
  expect((await all()).sum('sluice_server_sessions_active', { pool: 'operator' })).toBe(1);
  ends.abort();
  await Promise.all(both);
});

test('memory of the sessions of a server on this host is seen', async () => {
  await until(async () => (await all()).sum('sluice_server_backend_memory_bytes', { pool: 'main' }) > 0);
  const bytes = (await all()).sum('sluice_server_backend_memory_bytes', { pool: 'main' });
  // A process that has just begun has some hundred kilobytes to itself; what all share does not count.
  expect(bytes).toBeGreaterThan(100 * 1_024);
  expect(bytes).toBeLessThan(32 * 1_024 * 1_024);
});
