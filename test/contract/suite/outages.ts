import { expect } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import type { TestedPool } from '../engine.js';
import { FOREVER, failureOf, giveBack, run, until, within } from '../support.js';

/** Sessions and servers that end when nobody asked them to. */
export function outages(bench: Bench): void {
  bench.test('F4 F68 ISO-1', 'loses one request with one session, and goes on with those that prove good', async () => {
    const { server, sql } = bench;
    const tested = bench.open();
    const { pool, journal } = tested;
    const [victim, ...others] = (await bench.take(tested, 3)) as [Connection, Connection, Connection];
    const session = await bench.sessionOf(victim);
    await giveBack(others);
    const failing = failureOf(run(victim, sql.sleep(30_000)));
    const from = performance.now();
    await server.kill(session);
    expect(pool.classify(await failing)).toBe('connection_lost');
    expect(victim.alive).toBe(false);
    const next = await pool.acquire(within(2_000));
    expect(performance.now() - from).toBeLessThan(500);
    await run(next, sql.sleep(0));
    // It came up on the word of a session that was open, not on a new one.
    expect(others.map(({ id }) => id)).toContain(next.id);
    expect(journal.entries).toEqual(['up', 'down', 'up']);
    expect(pool.gauges().lost).toBe(1);
    await giveBack([victim, next]);
  });

  bench.test('F4 F68 LIF-7', 'notices the end of an idle session, and lends no other unasked', async () => {
    const { server } = bench;
    const tested = bench.open();
    const { pool, journal } = tested;
    const both = (await bench.take(tested, 2)) as [Connection, Connection];
    const sessions = await Promise.all(both.map((each) => bench.sessionOf(each)));
    await giveBack(both);
    if (bench.sql.shared) {
      await server.kill(sessions[0] ?? '');
      await notNoticed(bench, tested);
      return;
    }
    // At this very instant, because the other one proves good within milliseconds.
    const lent = journal.reached('down').then(() => pool.tryAcquire());
    await server.kill(sessions[0] ?? '');
    expect(await lent).toBeUndefined();
    await journal.reached('up', 2);
    const next = await pool.acquire(within(2_000));
    expect(await bench.sessionOf(next)).toBe(sessions[1]);
    await next.release();
  });

  bench.test('F4 LIF-7', 'takes the loss of a session that was in doubt already for no news', async () => {
    const { server } = bench;
    const tested = bench.open();
    const { pool, journal } = tested;
    const [first, second, third] = (await bench.take(tested, 3)) as [Connection, Connection, Connection];
    await Promise.all([first.begin(undefined), second.begin(undefined)]);
    const sessions = [await bench.sessionOf(first), await bench.sessionOf(second)];
    await third.release();
    await server.kill(sessions[0] ?? '');
    await journal.reached('up', 2);
    await server.kill(sessions[1] ?? '');
    await until(() => !second.alive);
    await giveBack([first, second]);
    expect(journal.entries).toEqual(['up', 'down', 'up']);
    expect(pool.gauges()).toMatchObject({ state: 'up', lost: 2 });
  });

  for (const how of ['orderly', 'crash'] as const) {
    bench.test(
      'F1 F2 LIF-7',
      `fails once per request in flight in a restart (${how}), never on an old socket`,
      async () => {
        const { server, sql } = bench;
        const { pool, journal } = bench.open({ max: 4 });
        let over = false;
        let served = 0;
        let downAtMs = Number.POSITIVE_INFINITY;
        const failures: { readonly borrower: number; readonly begunMs: number }[] = [];
        const borrowers = Array.from({ length: 12 }, async (_, borrower) => {
          while (!over) {
            const connection = await pool.acquire(within(20_000));
            const begunMs = performance.now();
            try {
              await run(connection, sql.sleep(1));
              if (pool.state === 'up' && journal.count('up') > 1) served += 1;
            } catch (error) {
              expect(pool.classify(error)).toBe('connection_lost');
              failures.push({ borrower, begunMs });
            }
            await connection.release();
          }
        });
        await until(() => pool.gauges().inUse === 4);
        void journal.reached('down').then(() => {
          downAtMs = performance.now();
        });
        await server.stop(how);
        await journal.reached('down');
        await server.start();
        await journal.reached('up', 2);
        await until(() => served >= 100);
        over = true;
        await Promise.all(borrowers);
        expect(failures.length).toBeGreaterThan(0);
        expect(failures.length).toBeLessThanOrEqual(4);
        expect(new Set(failures.map(({ borrower }) => borrower)).size).toBe(failures.length);
        for (const { begunMs } of failures) expect(begunMs).toBeLessThanOrEqual(downAtMs);
        expect(journal.entries).toEqual(['up', 'down', 'up']);
      },
    );

    bench.test('F1 F2 F12', `lets borrowers wait an outage out (${how}), and serves them soon after`, async () => {
      const { server, sql } = bench;
      const tested = bench.open({ max: 4 });
      const { pool, journal } = tested;
      const [inFlight, ...idle] = (await bench.take(tested, 4)) as [Connection];
      await giveBack(idle);
      const failing = failureOf(run(inFlight, sql.sleep(30_000)));
      await server.stop(how);
      expect(pool.classify(await failing)).toBe('connection_lost');
      await inFlight.release();
      await journal.reached('down');
      const gone = failureOf(pool.acquire(within(100)));
      const waiting = Array.from({ length: 20 }, (_, i) => pool.acquire(within(20_000, (i % 4) as 0 | 1 | 2 | 3)));
      expect(String(await gone)).toContain('within the time left');
      const attempts = pool.gauges().connectFailures;
      // Long enough for the wait between attempts to reach its cap.
      await until(() => pool.gauges().connectFailures >= attempts + 4);
      expect(pool.gauges()).toMatchObject({ acquiring: 20, inUse: 0, total: 0 });
      await server.start();
      const accepted = performance.now();
      const outcomes = waiting.map(async (each) => {
        const connection = await each;
        const after = performance.now() - accepted;
        await run(connection, sql.sleep(0));
        await connection.release();
        return after;
      });
      // The faults and the bench ask for 500 ms, on a quiet machine.
      expect(await Promise.race(outcomes)).toBeLessThan(2_000);
      await Promise.all(outcomes);
      expect(journal.entries).toEqual(['up', 'down', 'up']);
    });
  }

  bench.test('F12 LIF-8', 'knocks one at a time, ever more rarely, while the server is away', async () => {
    const { server } = bench;
    const { pool, journal } = bench.open({ max: 8, minIdle: 4 });
    await until(() => pool.gauges().idle === 4);
    await server.stop('orderly');
    await journal.reached('down');
    const waiting = Array.from({ length: 8 }, () => pool.acquire(within(20_000)));
    const from = performance.now();
    let most = 0;
    const { connectFailures } = pool.gauges();
    await until(() => {
      most = Math.max(most, pool.gauges().connecting);
      return performance.now() - from > 700;
    });
    expect(most).toBe(1);
    // 20, 40, 80, 160, 250, 250 ms, each shortened by up to a half: without waits there would be hundreds.
    const attempts = pool.gauges().connectFailures - connectFailures;
    expect(attempts).toBeGreaterThanOrEqual(1);
    expect(attempts).toBeLessThanOrEqual(10);
    await server.start();
    await giveBack(await Promise.all(waiting));
  });

  bench.test('F12', 'can be made before its server is there', async () => {
    const { server } = bench;
    await server.stop('orderly');
    const { pool, journal } = bench.open({ minIdle: 2 });
    await until(() => pool.gauges().connectFailures >= 2);
    expect(pool.state).toBe('down');
    expect(journal.entries).toEqual(['down']);
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_unreachable']);
    const waiting = pool.acquire(within(20_000));
    await server.start();
    await (await waiting).release();
    await until(() => pool.gauges().idle === 2);
    expect(journal.entries).toEqual(['down', 'up']);
  });

  bench.test(
    'F21 LIF-7',
    'leaves a server that takes no writes any more, and comes back to one that does',
    async () => {
      const { server, sql } = bench;
      const tested = bench.open({ max: 3 });
      const { pool, journal } = tested;
      const all = await bench.take(tested, 3);
      const old = new Set(all.map(({ id }) => id));
      await giveBack(all);
      await server.readOnly(true);
      try {
        await until(async () => {
          const connection = await pool.acquire(within(5_000));
          const outcome = await run(connection, sql.add, [901 + pool.gauges().opened]).catch((error: unknown) => error);
          await connection.release();
          return pool.classify(outcome) === 'database_busy';
        });
        // Nothing that was opened before is lent again.
        const next = await bench.take(tested, 3);
        for (const { id } of next) expect(old).not.toContain(id);
        await giveBack(next);
        const { opened } = pool.gauges();
        // Where all servers are read-only, that does not make a connect of every request.
        for (let i = 0; i < 30; i += 1) {
          const connection = await pool.acquire(within(5_000));
          expect(pool.classify(await failureOf(run(connection, sql.add, [990])))).toBe('database_busy');
          await connection.release();
        }
        expect(pool.gauges().opened - opened).toBeLessThanOrEqual(6);
      } finally {
        await server.readOnly(false);
      }
      await until(async () => {
        const connection = await pool.acquire(within(5_000));
        const outcome = await run(connection, sql.add, [999]).then(
          () => true,
          () => false,
        );
        await connection.release();
        return outcome;
      });
      expect(journal.entries).toEqual(['up']);
    },
  );

  bench.test(
    'F21',
    'takes a write into a transaction that was begun as read-only for a mistake of its own',
    async () => {
      const { pool } = bench.open({ max: 1 });
      const connection = await pool.acquire(FOREVER);
      await connection.begin(undefined, { readOnly: true });
      await failureOf(run(connection, bench.sql.add, [950]));
      await connection.release();
      const next = await pool.acquire(within(5_000));
      expect(next.id).toBe(connection.id);
      await next.release();
    },
  );
}

/** Who shares the sessions of a server with others does not feel the end of one that nobody uses. */
async function notNoticed(bench: Bench, { pool, journal }: TestedPool): Promise<void> {
  const all = await Promise.all([pool.acquire(within(2_000)), pool.acquire(within(2_000))]);
  await Promise.all(all.map((each) => run(each, bench.sql.sleep(1))));
  await giveBack(all);
  expect(journal.entries).toEqual(['up']);
  expect(pool.gauges()).toMatchObject({ opened: 2, lost: 0 });
}
