import { expect } from 'vitest';
import { AcquireTimeoutError, type Connection } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { FOREVER, failureOf, giveBack, run, until, within } from '../support.js';

/** Who gets a connection, when, and what a handle is good for. */
export function borrowing(bench: Bench): void {
  bench.test('SIZ-4', 'never opens more sessions than max', async () => {
    const { pool, sessions } = bench.open({ max: 3 });
    const most = { total: 0, seen: 0 };
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const connection = await pool.acquire(FOREVER);
        const { total, connecting } = pool.gauges();
        most.total = Math.max(most.total, total + connecting);
        await run(connection, bench.sql.sleep(2));
        if (i % 5 === 0) most.seen = Math.max(most.seen, (await sessions()).length);
        await connection.release();
      }),
    );
    expect(most).toEqual({ total: 3, seen: 3 });
  });

  bench.test('SIZ-16', 'lends a session again in the tick in which it came back', async () => {
    const { pool } = bench.open({ max: 1 });
    const first = await pool.acquire(FOREVER);
    expect(pool.tryAcquire()).toBeUndefined();
    void first.release();
    const second = pool.tryAcquire();
    expect(second?.id).toBe(first.id);
    await second?.release();
  });

  bench.test('NET-1', 'serves many borrowers without a further handshake', async () => {
    const tested = bench.open({ max: 4 });
    const { pool } = tested;
    await giveBack(await bench.take(tested, 4));
    const { opened } = pool.gauges();
    const borrow = async (): Promise<void> => {
      for (let i = 0; i < 50; i += 1) {
        const connection = await pool.acquire(within(10_000));
        await run(connection, bench.sql.sleep(0));
        void connection.release();
      }
    };
    await Promise.all(Array.from({ length: 10 }, borrow));
    expect(pool.gauges().opened).toBe(opened);
  });

  bench.test('BP-2 BP-3', 'refuses a waiting borrower at its deadline, and only that one', async () => {
    const { pool } = bench.open({ max: 1 });
    const holder = await pool.acquire(FOREVER);
    const patient = pool.acquire(within(10_000));
    const asked = performance.now();
    await expect(pool.acquire(within(40))).rejects.toThrow(AcquireTimeoutError);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(39);
    expect(pool.gauges().acquiring).toBe(1);
    await expect(pool.acquire(within(-1))).rejects.toThrow(AcquireTimeoutError);
    await holder.release();
    await (await patient).release();
  });

  bench.test('BP-7', 'serves waiting borrowers class by class, oldest first within a class', async () => {
    const { pool } = bench.open({ max: 1 });
    const holder = await pool.acquire(FOREVER);
    const order: string[] = [];
    const borrow = async (name: string, rank: 0 | 1 | 2 | 3): Promise<void> => {
      const connection = await pool.acquire(within(10_000, rank));
      order.push(name);
      await connection.release();
    };
    const all = [
      borrow('low', 3),
      borrow('normal 1', 2),
      borrow('critical', 0),
      borrow('normal 2', 2),
      borrow('high', 1),
    ];
    expect(pool.gauges().acquiring).toBe(5);
    await holder.release();
    await Promise.all(all);
    expect(order).toEqual(['critical', 'high', 'normal 1', 'normal 2', 'low']);
  });

  bench.test('ISO-1 F54', 'keeps a handle from the next borrower of the same session', async () => {
    const { pool } = bench.open({ max: 1 });
    const stale = await pool.acquire(FOREVER);
    await stale.release();
    const next = await pool.acquire(FOREVER);
    expect(next.id).toBe(stale.id);
    const running = run<{ nonce: string }>(next, bench.sql.echo(50), ['mine']);
    await expect(run(stale, bench.sql.mistake)).rejects.toThrow('used after release');
    await expect(stale.begin(undefined)).rejects.toThrow('used after release');
    await expect(stale.commit()).rejects.toThrow('used after release');
    await expect(stale.rollback()).rejects.toThrow('used after release');
    stale.cancel();
    stale.destroy();
    await stale.release();
    expect([stale.alive, stale.busy, stale.inTransaction]).toEqual([false, false, false]);
    expect((await running).rows[0]?.nonce).toBe('mine');
    expect(pool.gauges()).toMatchObject({ inUse: 1, cancels: 0 });
    await next.release();
  });

  bench.test('ISO-1 F54', 'takes a second release for none', async () => {
    const { pool } = bench.open({ max: 2 });
    const connection = await pool.acquire(FOREVER);
    await Promise.all([connection.release(), connection.release()]);
    await connection.release();
    expect(pool.gauges()).toMatchObject({ idle: 1, inUse: 0, total: 1 });
  });

  bench.test('ISO-1', 'does not pay for the mistake of a statement with its session', async () => {
    const { pool } = bench.open({ max: 1 });
    for (let i = 0; i < 5; i += 1) {
      const connection = await pool.acquire(FOREVER);
      expect(pool.classify(await failureOf(run(connection, bench.sql.mistake)))).toBe('application');
      await connection.release();
    }
    expect(pool.gauges()).toMatchObject({ opened: 1, lost: 0 });
  });

  bench.test('ISO-1 SEG-5', 'waits for a lock only as long as the pool allows, and holds up nobody else', async () => {
    const tested = bench.open({ max: 3, lockTimeoutMs: 30 });
    const { pool } = tested;
    const [holder, waiter, other] = (await bench.take(tested, 3)) as [Connection, Connection, Connection];
    await holder.begin(undefined);
    await run(holder, bench.sql.lock, [1]);
    const failing = failureOf(run(waiter, bench.sql.lock, [1]));
    await run(other, bench.sql.lock, [2]);
    expect(pool.classify(await failing)).toBe('database_busy');
    await giveBack([holder, waiter, other]);
  });

  bench.test('F18', 'tells contention between two transactions from everything else', async () => {
    const tested = bench.open({ max: 2 });
    const [one, two] = (await bench.take(tested, 2)) as [Connection, Connection];
    await Promise.all([one.begin(undefined), two.begin(undefined)]);
    await Promise.all([run(one, bench.sql.lock, [5]), run(two, bench.sql.lock, [6])]);
    const outcomes = await Promise.allSettled([run(one, bench.sql.lock, [6]), run(two, bench.sql.lock, [5])]);
    const [failure] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(tested.pool.classify(failure?.reason)).toBe('contention');
    await giveBack([one, two]);
  });

  bench.test('LIF-10', 'waits for lent connections when it closes, and leaves no session', async () => {
    const tested = bench.open({ max: 2 });
    const { pool, sessions } = tested;
    const [connection, other] = (await bench.take(tested, 2)) as [Connection, Connection];
    const waiting = failureOf(pool.acquire(FOREVER));
    const closing = pool.close(Number.POSITIVE_INFINITY);
    expect(pool.close(0)).toBe(closing);
    expect(pool.state).toBe('closed');
    expect(String(await waiting)).toContain('is closed');
    expect(String(await failureOf(pool.acquire(FOREVER)))).toContain('is closed');
    expect(pool.tryAcquire()).toBeUndefined();
    expect((await run<{ nonce: string }>(connection, bench.sql.echo(0), ['still'])).rows[0]?.nonce).toBe('still');
    await giveBack([connection, other]);
    await closing;
    expect(pool.gauges()).toMatchObject({ total: 0, connecting: 0 });
    expect(await sessions()).toEqual([]);
  });

  bench.test('LIF-10 DEP-3', 'cancels on the server what still runs when the time to close is over', async () => {
    const { pool, running, sessions } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    const failing = failureOf(run(connection, bench.sql.sleep(30_000)));
    await until(async () => (await running()) === 1);
    const closing = pool.close(within(30).deadlineAtMs);
    expect(pool.classify(await failing)).toBe('connection_lost');
    await closing;
    expect(pool.gauges()).toMatchObject({ total: 0, inUse: 0, cancels: 1 });
    await until(async () => (await sessions()).length === 0, 2_000);
    await connection.release();
  });

  bench.test('LIF-10', 'gives up a connect that is under way when it closes', async () => {
    const relay = await bench.relay();
    relay.firstAnswerDelayMs = 3_000;
    const { pool } = bench.open({ at: relay.address });
    await until(() => pool.gauges().connecting === 1);
    const from = performance.now();
    await pool.close(Number.POSITIVE_INFINITY);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(pool.gauges()).toMatchObject({ connecting: 0, total: 0 });
  });

  bench.test('LIF-6 LIF-10', 'ends its sessions with a goodbye, and the server none of them', async () => {
    const { server } = bench;
    const tested = bench.open({ max: 4, maxLifetimeMs: 40, idleTimeoutMs: 20 });
    const before = await server.endedBadly();
    const { pool, sessions } = tested;
    await until(async () => {
      await giveBack(await bench.take(tested, 4));
      return pool.gauges().opened >= 12;
    });
    await pool.close(Number.POSITIVE_INFINITY);
    await until(async () => (await sessions()).length === 0);
    expect(await server.endedBadly()).toBe(before);
    expect(pool.gauges().lost).toBe(0);
  });
}
