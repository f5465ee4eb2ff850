import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import { Relay } from '../../contract/relay.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, FOREVER, makePool, until } from './pool-fixture.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  await ask(server.url, "CREATE ROLE before LOGIN PASSWORD 'one'");
  await ask(server.url, "CREATE ROLE after LOGIN PASSWORD 'two'");
});
afterAll(() => server.close());

const userOf = async (connection: Connection): Promise<unknown> =>
  (await connection.query('SELECT current_user::text AS name', undefined, undefined)).rows[0]?.name;

it.each([
  ['would still succeed', 'one'],
  ['will be refused', 'changed'],
])(
  'F16 CRE-1: a connect under way with the login of before, which %s, neither serves nor speaks',
  async (_, password) => {
    await ask(server.url, "ALTER ROLE before PASSWORD 'one'");
    const relay = await Relay.to({ host: '127.0.0.1', port: server.port });
    const { pool, journal } = makePool(
      { url: `postgres://before:one@127.0.0.1:${relay.address.port}/postgres` },
      { max: 2, minIdle: 1 },
    );
    const first = await pool.acquire(FOREVER);
    expect(await userOf(first)).toBe('before');
    relay.firstAnswerDelayMs = 1_000;
    const waiting = pool.acquire(FOREVER);
    await until(() => relay.connections === 2);
    await ask(server.url, `ALTER ROLE before PASSWORD '${password}'`);
    const begun = performance.now();
    const rotation = pool.rotate({ url: `postgres://after:two@127.0.0.1:${server.port}/postgres` });
    const second = await waiting;
    // Nor is anybody kept waiting for it.
    expect(performance.now() - begun).toBeLessThan(700);
    expect(await userOf(second)).toBe('after');
    expect(await userOf(first)).toBe('before');
    await first.release();
    await rotation;
    await second.release();
    expect(pool.gauges()).toMatchObject({ opened: 2, connectFailures: 0, total: 1 });
    expect(journal.warnings).toEqual([]);
    expect(journal.entries).toEqual(['up']);
    await pool.close(0);
    await relay.close();
  },
);

it('F16: a rotation of a closed pool is refused, and closing does not wait for one', async () => {
  const { pool } = makePool({ url: server.url.replace('127.0.0.1', 'localhost') }, { max: 1 });
  const connection = await pool.acquire(FOREVER);
  // It may be refused while the pool still closes.
  const rotation = Promise.allSettled([pool.rotate({ url: server.url })]);
  await until(() => pool.gauges().total === 1 && !connection.busy);
  await pool.close(0);
  await rotation;
  expect(pool.gauges()).toMatchObject({ total: 0, connecting: 0, state: 'closed' });
  await expect(pool.rotate({ url: server.url })).rejects.toThrow('is closed');
});
