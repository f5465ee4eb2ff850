import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import { Relay } from '../../contract/relay.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, FOREVER, makePool, until } from './pool-fixture.js';

const AFTER = { user: 'after', password: 'two' };

let server: PostgresServer;
let relay: Relay;
let pool: ConnectionPool;
let applicationName: string;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  await ask(server.url, "CREATE ROLE before LOGIN PASSWORD 'one'");
  await ask(server.url, "CREATE ROLE after LOGIN PASSWORD 'two'");
});
afterEach(async () => {
  await pool.close(0);
  await relay.close();
  await ask(server.url, 'ALTER ROLE after CONNECTION LIMIT -1');
});
afterAll(() => server.close());

async function open(minIdle: number, max: number): Promise<void> {
  relay = await Relay.to({ host: '127.0.0.1', port: server.port });
  const url = `postgres://before:one@127.0.0.1:${relay.address.port}/postgres`;
  ({ pool, applicationName } = makePool({ url }, { minIdle, max }));
  await until(() => pool.gauges().idle === minIdle && pool.gauges().connecting === 0);
}

async function usersOnServer(): Promise<string[]> {
  const rows = await ask<{ usename: string }>(
    server.url,
    'SELECT DISTINCT usename::text FROM pg_stat_activity WHERE application_name = $1 AND usename IS NOT NULL ORDER BY 1',
    [applicationName],
  );
  return rows.map(({ usename }) => usename);
}

it.each([
  { where: 'there is room for another', max: 4, least: 3 },
  { where: 'there is none, but for one at a time', max: 3, least: 2 },
])('CRE-1: a second user takes the place of the first one by one, where $where', async ({ max, least }) => {
  await open(3, max);
  relay.firstAnswerDelayMs = 60;
  let over = false;
  const rotation = pool.rotate(AFTER).then(() => {
    over = true;
  });
  let [fewest, most] = [3, 3];
  await until(() => {
    const { idle, total } = pool.gauges();
    fewest = Math.min(fewest, idle);
    most = Math.max(most, total);
    return over;
  });
  await rotation;
  expect({ fewest, most }).toEqual({ fewest: least, most: max });
  expect(await usersOnServer()).toEqual(['after']);
  await until(() => pool.gauges().total === 3);
  expect(pool.gauges()).toMatchObject({ lost: 0, connectFailures: 0 });
});

it('CRE-2: a session that is lent is left to its borrower, and the others do not wait for it', async () => {
  await open(2, 3);
  const lent = await pool.acquire(FOREVER);
  let over = false;
  const rotation = pool.rotate(AFTER).then(() => {
    over = true;
  });
  // One successor of each, and no more.
  await until(() => pool.gauges().opened === 4 && pool.gauges().total === 3);
  expect(over).toBe(false);
  expect(await usersOnServer()).toEqual(['after', 'before']);
  const { rows } = await lent.query('SELECT current_user::text AS name', undefined, undefined);
  expect(rows).toEqual([{ name: 'before' }]);
  await lent.release();
  await rotation;
  expect(await usersOnServer()).toEqual(['after']);
  expect(pool.gauges()).toMatchObject({ total: 2, opened: 4 });
});

it('CRE-1: who is expelled goes at the bound, whether others have come by then or not', async () => {
  await open(3, 3);
  relay.firstAnswerDelayMs = 1_500;
  const rotation = pool.rotate(AFTER, { expel: true, withinMs: 50 });
  const begun = performance.now();
  await rotation;
  // The trial is delayed as well; three successors, one by one, would take three times that again.
  expect(performance.now() - begun).toBeLessThan(3_000);
  expect(await usersOnServer()).not.toContain('before');
  relay.firstAnswerDelayMs = 0;
  const next = await pool.acquire(FOREVER);
  await next.release();
});

it('refuses a user who may have fewer connections than are open, since some would never be replaced', async () => {
  await open(3, 3);
  await ask(server.url, 'ALTER ROLE after CONNECTION LIMIT 2');
  await expect(pool.rotate(AFTER)).rejects.toThrow(
    'pool "test" keeps its login, the new one does not work: user "after" may have 2 of the 3 connections that the pool ' +
      'has open: raise the limit of that user on the server, or make the pool smaller first',
  );
  expect(await usersOnServer()).toEqual(['before']);
  expect(pool.gauges()).toMatchObject({ total: 3, opened: 3 });
});
