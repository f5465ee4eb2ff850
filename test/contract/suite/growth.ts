import { expect } from 'vitest';
import type { Bench } from '../bench.js';
import { FOREVER, giveBack, run, until, within } from '../support.js';

/** How a pool grows: behind the back of those who wait. */
export function growth(bench: Bench): void {
  bench.test('F11', 'serves a waiting borrower from what comes free first, not from its own connect', async () => {
    const relay = await bench.relay();
    const { pool, journal } = bench.open({ max: 2, at: relay.address });
    await journal.reached('up');
    // From here on a connect takes longer than the test.
    relay.firstAnswerDelayMs = 3_000;
    const first = await pool.acquire(FOREVER);
    const waiting = pool.acquire(within(2_000));
    await until(() => pool.gauges().connecting === 1);
    expect(pool.gauges().acquiring).toBe(1);
    await first.release();
    const second = await waiting;
    expect(second.id).toBe(first.id);
    await second.release();
  });

  bench.test('F11', 'answers a spike from the sessions it has, and opens few while connects are slow', async () => {
    const relay = await bench.relay();
    const { pool } = bench.open({ max: 50, minIdle: 5, at: relay.address });
    await until(() => pool.gauges().idle === 5);
    relay.firstAnswerDelayMs = 1_500;
    const from = performance.now();
    const took = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const connection = await pool.acquire(within(5_000));
        await run(connection, bench.sql.sleep(2));
        void connection.release();
        return performance.now() - from;
      }),
    );
    const sorted = took.sort((a, b) => a - b);
    // The bench asks for 20 and 35 ms on a quiet machine; a borrower bound to a connect would need 1,500.
    expect(sorted[25]).toBeLessThan(1_000);
    expect(sorted.at(-1)).toBeLessThan(1_400);
    expect(pool.gauges().connecting).toBeLessThanOrEqual(4);
    await until(() => pool.gauges().connecting === 0);
    expect(pool.gauges().total).toBeLessThanOrEqual(9);
  });

  bench.test('F59', 'spreads the connects of pools that start together, and of their floors', async () => {
    const relay = await bench.relay();
    const POOLS = 8;
    const FLOOR = 4;
    // The first pool that a process makes takes a while.
    await (await bench.open({ max: 1 }).pool.acquire(FOREVER)).release();
    const from = performance.now();
    const pools = Array.from({ length: POOLS }, (_, n) => {
      const random = (): number => (n + 0.5) / POOLS;
      return bench.open({ max: 8, minIdle: FLOOR, at: relay.address, random }).pool;
    });
    await until(() => pools.every((pool) => pool.gauges().idle === FLOOR));
    const cameMs = relay.cameAtMs.slice(0, POOLS * FLOOR).map((atMs) => atMs - from);
    expect(cameMs).toHaveLength(POOLS * FLOOR);
    // Of each pool the first two come after its part of 50 ms, and each further one 25 ms later, give or take a half.
    const earliest = pools.flatMap((_, n) => {
      const part = (n + 0.5) / POOLS;
      return [0, 0, 1, 2].map((gaps) => 50 * part + 25 * gaps * (0.5 + part));
    });
    earliest
      .sort((a, b) => a - b)
      .forEach((atMs, n) => {
        expect(cameMs[n]).toBeGreaterThanOrEqual(atMs - 2);
      });
    expect(cameMs.at(-1)).toBeGreaterThan(100);
  });

  bench.test('F11', 'opens a few sessions at once, and in the end all that are needed', async () => {
    const tested = bench.open({ max: 12 });
    const { pool, journal } = tested;
    await journal.reached('up');
    const all = bench.take(tested, 12);
    let most = 0;
    await until(() => {
      most = Math.max(most, pool.gauges().connecting);
      return pool.gauges().total === 12;
    });
    expect(most).toBe(4);
    const connections = await all;
    expect(new Set(connections.map(({ id }) => id)).size).toBe(12);
    await giveBack(connections);
  });

  bench.test('F11', 'does not take slow connects for an outage while its sessions serve', async () => {
    const relay = await bench.relay();
    const { pool, journal } = bench.open({ max: 3, connectTimeoutMs: 150, at: relay.address });
    await journal.reached('up');
    relay.firstAnswerDelayMs = 3_000;
    const borrow = async (): Promise<void> => {
      while (pool.gauges().connectFailures < 3) {
        const connection = await pool.acquire(within(10_000));
        await run(connection, bench.sql.sleep(5));
        await connection.release();
      }
    };
    await Promise.all([borrow(), borrow(), borrow()]);
    expect(journal.entries).toEqual(['up']);
    expect(journal.count('database_unreachable')).toBe(1);
    expect(pool.gauges()).toMatchObject({ total: 1, lost: 0 });
  });

  bench.test('F11 NET-5', 'grows when a session that was to be asked does not answer soon', async () => {
    const { server } = bench;
    const { pool } = bench.open({ max: 2, validateAfterIdleMs: 0, freezable: true });
    const first = await pool.acquire(FOREVER);
    const session = await bench.sessionOf(first);
    await first.release();
    await server.freeze(session);
    try {
      const next = await pool.acquire(within(400));
      expect(next.id).not.toBe(first.id);
      await next.release();
    } finally {
      server.thaw(session);
    }
  });
}
