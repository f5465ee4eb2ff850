import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { JumpClock } from '../gateway/jump-clock.js';
import { ask, FOREVER, makePool, sessionsOf, until } from './pool-fixture.js';

const LIFETIME_MS = 20_000;

let postgres: PostgresServer;
let clock: JumpClock;
let pool: ConnectionPool;
let applicationName: string;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  await ask(postgres.url, "CREATE ROLE ageing LOGIN PASSWORD 'one'");
});
beforeEach(() => {
  clock = new JumpClock();
});
afterEach(async () => {
  await ask(postgres.url, "ALTER ROLE ageing CONNECTION LIMIT -1 PASSWORD 'one'");
  await pool.close(clock.nowMs() + 1_000);
});
afterAll(() => postgres.close());

async function open(minIdle: number, max: number): Promise<number[]> {
  const url = new URL(postgres.url);
  url.username = 'ageing';
  url.password = 'one';
  const options = { clock, minIdle, max, maxLifetimeMs: LIFETIME_MS, validateAfterIdleMs: 1e9 };
  ({ pool, applicationName } = makePool({ url: url.href }, options));
  await until(() => pool.gauges().idle === minIdle && pool.gauges().connecting === 0);
  return sessions();
}

const sessions = (): Promise<number[]> => sessionsOf(postgres.url, applicationName);

/** Lets time pass, while nothing is under way and in steps that leave its timers theirs, until something is as expected. */
const pass = (expected: () => boolean): Promise<void> =>
  until(async () => {
    if (pool.gauges().connecting === 0 && pool.gauges().cleaning === 0) clock.jump(2_000);
    return expected();
  });

/** Lets several lifetimes pass, in which the server is asked and refuses. */
async function grow(): Promise<void> {
  const endMs = clock.nowMs() + 3 * LIFETIME_MS;
  await pass(() => clock.nowMs() > endMs && pool.gauges().connectFailures > 2);
}

async function serves(): Promise<void> {
  const connection = await pool.acquire(FOREVER);
  await connection.query('SELECT 1', undefined, undefined);
  await connection.release();
}

describe('the sessions of a server that lets nobody in any more', () => {
  const ways = [
    { what: 'the password was changed', begin: "PASSWORD 'two'", end: "PASSWORD 'one'", left: 3 },
    // Whether the server would give one for another can only be tried.
    { what: 'it has no room', begin: 'CONNECTION LIMIT 0', end: 'CONNECTION LIMIT -1', left: 2 },
  ];

  it.each(ways)('serve on however old they are: $what', async ({ begin, end, left }) => {
    const before = await open(3, 5);
    await ask(postgres.url, `ALTER ROLE ageing ${begin}`);
    await grow();
    expect(pool.gauges()).toMatchObject({ total: left, state: 'up', lost: 0 });
    await serves();
    await ask(postgres.url, `ALTER ROLE ageing ${end}`);
    await pass(() => pool.gauges().opened >= 6 && pool.gauges().total === 3);
    await until(async () => !(await sessions()).some((pid) => before.includes(pid)));
  });

  it.each(ways)('are one fewer at most where there is no place for another: $what', async ({ begin, end }) => {
    const before = await open(3, 3);
    await ask(postgres.url, `ALTER ROLE ageing ${begin}`);
    await grow();
    expect(pool.gauges()).toMatchObject({ total: 2, state: 'up', lost: 0 });
    await serves();
    await ask(postgres.url, `ALTER ROLE ageing ${end}`);
    await pass(() => pool.gauges().opened >= 6 && pool.gauges().total === 3);
    await until(async () => !(await sessions()).some((pid) => before.includes(pid)));
  });
});

describe('sessions whose lifetime is over', () => {
  it('serve until another has come in their place', async () => {
    await open(2, 3);
    let least = 2;
    await pass(() => {
      least = Math.min(least, pool.gauges().total);
      return pool.gauges().opened >= 6;
    });
    expect(least).toBe(2);
  });

  it('end all the same when all are replaced', async () => {
    const before = await open(3, 5);
    await ask(postgres.url, 'ALTER ROLE ageing CONNECTION LIMIT 0');
    await grow();
    pool.recycle();
    await until(async () => !(await sessions()).some((pid) => before.includes(pid)));
    expect(pool.gauges().total).toBe(0);
  });
});
