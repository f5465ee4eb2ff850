import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { JumpClock } from '../gateway/jump-clock.js';
import { FOREVER, makePool, sessionsOf, until } from './pool-fixture.js';

let postgres: PostgresServer;
let clock: JumpClock;
let pool: ConnectionPool;
let applicationName: string;

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  clock = new JumpClock();
});
afterEach(async () => {
  await pool.close(clock.nowMs() + 1_000);
  await postgres.close();
});

const open = async (minIdle: number, max: number, maxLifetimeMs = 1e9): Promise<void> => {
  ({ pool, applicationName } = makePool(postgres, { clock, minIdle, max, maxLifetimeMs, validateAfterIdleMs: 1e9 }));
  await until(() => pool.gauges().idle === minIdle && pool.gauges().connecting === 0);
};

/** Lets time pass while nothing is under way, until something is as expected. */
const pass = (expected: () => boolean): Promise<void> =>
  until(() => {
    if (pool.gauges().connecting === 0 && pool.gauges().cleaning === 0) clock.jump(500);
    return expected();
  });

describe('a server that ends when its last session has', () => {
  it.each([
    ['with room for another', 2, 4],
    ['with as many sessions as it may have', 2, 2],
  ])('is not kept from it by a pool that nobody uses, %s', async (_, minIdle, max) => {
    await open(minIdle, max);
    const stopped = postgres.stop('smart');
    await pass(() => pool.state === 'down');
    await stopped;
    expect(postgres.pid).toBeUndefined();
    await until(() => pool.gauges().total === 0);
    expect(pool.gauges().lost).toBe(0);
  });
});

describe('a server that ends while a pool is saturated', () => {
  /** Keeps the pool in use, with somebody who waits at every moment, for as long as it can be reached. */
  const saturate = (): Promise<unknown> => {
    const borrow = async (): Promise<void> => {
      while (pool.state === 'up') {
        const connection = await pool.acquire(FOREVER);
        await connection.query('SELECT 1', undefined, undefined).finally(() => connection.release());
      }
    };
    return Promise.allSettled(Array.from({ length: 6 }, borrow));
  };

  it('is not kept from it: the next session that comes back makes room for a look', async () => {
    await open(2, 2);
    const borrowers = saturate();
    await until(() => pool.gauges().acquiring > 0);
    const stopped = postgres.stop('smart');
    await pass(() => pool.state === 'down');
    await stopped;
    expect(postgres.pid).toBeUndefined();
    expect(pool.gauges().lost).toBe(0);
    await pool.close(clock.nowMs());
    await borrowers;
  });

  it('costs a pool on a server that goes on no more than one session for another', async () => {
    await open(2, 2);
    const borrowers = saturate();
    await pass(() => pool.gauges().opened >= 4);
    expect(pool.gauges()).toMatchObject({ lost: 0, state: 'up' });
    await until(() => pool.gauges().total === 2);
    await pool.close(clock.nowMs());
    await borrowers;
  });
});

describe('a pool that nobody uses', () => {
  it('has as many sessions as before, one of them new, where the server goes on', async () => {
    await open(2, 4);
    const before = await sessionsOf(postgres.url, applicationName);
    await pass(() => pool.gauges().opened > 2);
    await until(() => pool.gauges().total === 2 && pool.gauges().idle === 2);
    const after = await sessionsOf(postgres.url, applicationName);
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(1);
    expect(pool.gauges()).toMatchObject({ opened: 3, lost: 0, state: 'up' });
  });

  it('keeps its sessions where they live for ever: somebody else might take the place', async () => {
    await open(1, 2, 0);
    const from = clock.nowMs();
    await pass(() => clock.nowMs() - from > 120_000);
    expect(pool.gauges()).toMatchObject({ opened: 1, total: 1 });
    const connection = await pool.acquire(FOREVER);
    await connection.release();
  });
});
