import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { PgPoolOptions } from '../../../src/pools/connection-pool.js';
import type { Connection } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { FOREVER, makePool, type PoolUnderTest, pidOf, sessionsOf, until } from './pool-fixture.js';

let server: PostgresServer;
let tested: PoolUnderTest;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => server.close());
afterEach(() => tested.pool.close(0));

function make(options: Partial<PgPoolOptions> = {}): PoolUnderTest {
  tested = makePool(server, { max: 4, ...options });
  return tested;
}

const take = (count: number): Promise<Connection[]> =>
  Promise.all(Array.from({ length: count }, () => tested.pool.acquire(FOREVER)));

const onServer = async (): Promise<number> => (await sessionsOf(server.url, tested.applicationName)).length;

it('closes surplus sessions that are idle, longest idle first, and grows again', async () => {
  const { pool } = make({ minIdle: 4 });
  const all = await take(4);
  const pids = await Promise.all(all.map(pidOf));
  for (const connection of all) await connection.release();
  pool.resize(2);
  await until(() => pool.gauges().total === 2);
  await until(async () => (await onServer()) === 2);
  expect((await sessionsOf(server.url, tested.applicationName)).sort()).toEqual(pids.slice(2).sort());
  expect(pool.gauges()).toMatchObject({ max: 2, granted: 2, idle: 2 });
  pool.resize(4);
  // The floor asks for them.
  await until(() => pool.gauges().idle === 4);
  expect(await onServer()).toBe(4);
});

it('cuts nobody: what is lent ends when it comes back, and no more than too many', async () => {
  const { pool } = make();
  const all = await take(4);
  const statements = all.map((connection) => connection.query('SELECT pg_sleep(0.1)', undefined, undefined));
  pool.resize(1);
  expect(pool.gauges()).toMatchObject({ max: 1, total: 4, inUse: 4 });
  const waiter = pool.acquire(FOREVER);
  await expect(Promise.all(statements)).resolves.toHaveLength(4);
  const { opened } = pool.gauges();
  // All at once: one of them is to stay, and to serve whoever waits.
  await Promise.all(all.map((connection) => connection.release()));
  const last = await waiter;
  await until(() => pool.gauges().total === 1);
  expect(pool.gauges().opened).toBe(opened);
  await last.release();
  expect(pool.gauges()).toMatchObject({ total: 1, idle: 1 });
});

it('lets sessions that were being opened end, where there are too many of them', async () => {
  const { pool } = make({ minIdle: 4 });
  await until(() => pool.gauges().total > 0);
  pool.resize(1);
  await until(() => pool.gauges().connecting === 0 && pool.gauges().total === 1);
  expect(await onServer()).toBe(1);
});

it('opens nothing before it may have a session, and then serves who waits', async () => {
  const { pool } = make({ startMax: 0, minIdle: 1 });
  const waiter = pool.acquire(FOREVER);
  expect(pool.gauges()).toMatchObject({ state: 'down', max: 0, connecting: 0, total: 0 });
  pool.resize(1);
  await (await waiter).release();
  expect(pool.gauges()).toMatchObject({ state: 'up', max: 1, granted: 1, total: 1 });
});

it('tells how many sessions there may be', () => {
  const { pool, journal } = make();
  pool.resize(2);
  pool.resize(2);
  pool.resize(3);
  expect(journal.granted).toEqual([2, 3]);
});

it('refuses a size that is none', () => {
  const { pool } = make();
  for (const max of [-1, 1.5, 5, Number.NaN]) {
    expect(() => pool.resize(max)).toThrow(`pool "test" cannot have ${max} sessions: use a whole number, 0 to 4`);
  }
  expect(pool.max).toBe(4);
});
