import { expect } from 'vitest';
import { checkBudget } from '../../../src/core/budget.js';
import type { Connection } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { FOREVER, giveBack, pass, run, until, within } from '../support.js';

/** How many sessions a pool may have, and how many its server grants. */
export function sizing(bench: Bench): void {
  bench.test('SIZ-2', 'refuses a size that is none, naming the field, the value and the remedy', async () => {
    for (const max of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => bench.server.makePool({ max })).toThrow(`max of pool "tested" is ${max}: use a whole number`);
    }
    for (const minIdle of [-1, 0.5, 5, Number.NaN]) {
      expect(() => bench.server.makePool({ max: 4, minIdle })).toThrow(`minIdle of pool "tested" is ${minIdle}: use`);
    }
  });

  bench.test(
    'SIZ-6 SIZ-7 SIZ-8 SIZ-9 SEG-10',
    'fits the server when the budget says so, reserve included',
    async () => {
      const probe = bench.open({ max: 1 });
      const connection = await probe.pool.acquire(FOREVER);
      const { maxConnections, superuserReserved } = await bench.server.limits(connection);
      await connection.release();
      const budget = (max: number): boolean =>
        checkBudget([{ name: 'all', max, server: 's' }], {
          server: 's',
          maxConnections,
          superuserReserved,
          reserve: 0.1,
        }).ok;
      let max = 1;
      while (budget(max + 1)) max += 1;
      expect(max).toBeLessThan(maxConnections - superuserReserved);
      const tested = bench.open({ max });
      const all = await bench.take(tested, max);
      // In transactions: what is shared between them would show that fewer are enough.
      await Promise.all(all.map((each) => each.begin(undefined)));
      expect(new Set(await Promise.all(all.map((each) => bench.sessionOf(each)))).size).toBe(max);
      // Saturated, it still leaves the way in that the reserve was for.
      const admin = bench.open({ max: 2 });
      const asked = performance.now();
      await giveBack(await bench.take(admin, 2));
      expect(performance.now() - asked).toBeLessThan(2_000);
      await giveBack(all);
    },
  );

  bench.test(
    'F13 SIZ-6',
    'shrinks to what the server grants, serves with that, and knocks ever more rarely',
    async () => {
      const account = await bench.server.makeAccount(2);
      const tested = bench.open({ max: 4, account });
      const { pool, journal } = tested;
      const both = await bench.take(tested, 2);
      const third = pool.acquire(within(10_000));
      await journal.reached('database_connections_exhausted');
      expect(pool.gauges()).toMatchObject({ state: 'up', max: 4, granted: 2 });
      await giveBack(both);
      await (await third).release();
      const { connectFailures } = pool.gauges();
      const from = performance.now();
      // Always somebody waits: with a retry for each of them the server would be asked hundreds of times.
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          for (let i = 0; i < 50; i += 1) {
            const connection = await pool.acquire(within(10_000));
            await run(connection, bench.sql.sleep(2));
            await connection.release();
          }
        }),
      );
      const elapsedMs = performance.now() - from;
      expect(pool.gauges().connectFailures - connectFailures).toBeLessThanOrEqual(1 + elapsedMs / 1_000);
      expect(journal.entries).toEqual(['up']);
      expect(journal.count('database_connections_exhausted')).toBe(1);
    },
  );

  bench.test('F13', 'grows again once the server grants more', async () => {
    const account = await bench.server.makeAccount(1);
    const tested = bench.open({ max: 3, account });
    const { pool, journal } = tested;
    const first = await pool.acquire(FOREVER);
    const waiting = [pool.acquire(within(20_000)), pool.acquire(within(20_000))];
    await journal.reached('database_connections_exhausted');
    expect(pool.gauges().granted).toBe(1);
    await account.allow(3);
    const others = (await Promise.all(waiting)) as [Connection, Connection];
    expect(pool.gauges()).toMatchObject({ granted: 3, total: 3 });
    await giveBack([first, ...others]);
  });

  bench.test('F13 SIZ-6', 'does not count on sessions that it lost to others', async () => {
    const account = await bench.server.makeAccount(3);
    const tested = bench.open({ max: 3, account, idleTimeoutMs: 30 });
    const { pool, journal } = tested;
    await giveBack(await bench.take(tested, 3));
    await until(() => pool.gauges().total === 0);
    const other = bench.open({ max: 2, account });
    const held = await bench.take(other, 2);
    const one = await pool.acquire(within(5_000));
    const waiting = pool.acquire(within(20_000));
    await journal.reached('database_connections_exhausted');
    expect(pool.gauges()).toMatchObject({ granted: 1, total: 1 });
    await one.release();
    await (await waiting).release();
    await giveBack(held);
  });

  bench.test('F13', 'is down, and says why, where the server grants nothing at all', async () => {
    const account = await bench.server.makeAccount(0);
    const { pool, journal } = bench.open({ account });
    await until(() => pool.gauges().connectFailures >= 2);
    expect(pool.state).toBe('down');
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_connections_exhausted']);
    await account.allow(4);
    await (await pool.acquire(within(10_000))).release();
    expect(pool.state).toBe('up');
  });

  bench.test('LIF-2 F59', 'opens the floor a few sessions at a time', async () => {
    const relay = await bench.relay();
    relay.firstAnswerDelayMs = 200;
    const { pool } = bench.open({ max: 10, minIdle: 10, at: relay.address });
    let most = 0;
    await until(() => {
      most = Math.max(most, pool.gauges().connecting);
      return pool.gauges().idle === 10;
    });
    expect(most).toBe(4);
    await pass(20);
    expect(relay.connections).toBe(10);
  });
}
