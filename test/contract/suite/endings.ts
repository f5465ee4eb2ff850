import { expect } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { FOREVER, failureOf, LONG, run, until, within } from '../support.js';

const LATE_CANCELS = LONG ? 10_000 : 600;
const LATE_BORROWERS = 4;

/** What stops a statement, on this side and on the server. */
export function endings(bench: Bench): void {
  bench.test('NET-5 F48', 'stops a statement on the server by a cancel, and the session stays usable', async () => {
    const { pool, running } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    expect(connection.busy).toBe(false);
    const failing = failureOf(run(connection, bench.sql.sleep(30_000)));
    expect(connection.busy).toBe(true);
    await until(async () => (await running()) === 1);
    connection.cancel();
    connection.cancel();
    expect(pool.classify(await failing)).toBe('cancelled');
    expect(connection.busy).toBe(false);
    await run(connection, bench.sql.sleep(0));
    await connection.release();
    expect(pool.gauges()).toMatchObject({ cancels: 1, opened: 1, idle: 1 });
  });

  for (const how of ['cancel', 'release', 'destroy'] as const) {
    bench.test('F48 NET-5', `frees the server of an abandoned read soon after ${how}`, async () => {
      const took: number[] = [];
      for (let i = 0; i < 5; i += 1) {
        const { pool, running } = bench.open({ max: 1 });
        const connection = await pool.acquire(FOREVER);
        const failing = failureOf(run(connection, bench.sql.sleep(30_000)));
        await until(async () => (await running()) === 1);
        const from = performance.now();
        void connection[how]();
        await until(async () => (await running()) === 0);
        took.push(performance.now() - from);
        await failing;
        await connection.release();
      }
      // The median, because this machine may be busy with something else.
      expect(took.sort((a, b) => a - b)[2]).toBeLessThan(100);
    });
  }

  bench.test('F48 F17', 'frees the locks of an abandoned transaction', async () => {
    const tested = bench.open({ max: 2 });
    const [leaver, next] = await bench.take(tested, 2);
    if (leaver === undefined || next === undefined) throw new Error('nothing lent');
    await leaver.begin(undefined);
    await run(leaver, bench.sql.lock, [3]);
    const failing = failureOf(run(leaver, bench.sql.sleep(30_000)));
    await until(async () => (await tested.running()) === 1);
    void leaver.release();
    const from = performance.now();
    await run(next, bench.sql.lock, [3]);
    expect(performance.now() - from).toBeLessThan(1_000);
    await failing;
    await next.release();
  });

  bench.test('BP-11', 'stops a statement at its limit on the server, and the session stays usable', async () => {
    const { pool } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    const from = performance.now();
    const failure = await failureOf(connection.query(bench.sql.sleep(30_000), undefined, 40));
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(pool.classify(failure)).toBe('cancelled');
    await connection.begin(50);
    expect(pool.classify(await failureOf(run(connection, bench.sql.sleep(30_000))))).toBe('cancelled');
    await connection.release();
    expect(pool.gauges()).toMatchObject({ cancels: 0, opened: 1 });
  });

  bench.test('BP-11 ISO-1', 'lets nobody feel the limit of another statement', async () => {
    const { pool } = bench.open({ max: 1 });
    const limited = async (): Promise<Connection> => {
      const first = await pool.acquire(FOREVER);
      await failureOf(first.query(bench.sql.sleep(30_000), undefined, 1));
      await first.release();
      return await pool.acquire(FOREVER);
    };
    const alone = await limited();
    await run(alone, bench.sql.sleep(250));
    await alone.release();
    for (const limitMs of [undefined, 5_000]) {
      const together = await limited();
      await together.begin(limitMs);
      await run(together, bench.sql.sleep(250));
      expect(await together.commit()).toBe(true);
      await together.release();
    }
    expect(pool.gauges().opened).toBe(1);
  });

  bench.test('F28', 'does not cancel where nothing runs', async () => {
    const { pool } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    connection.cancel();
    await run(connection, bench.sql.sleep(0));
    connection.cancel();
    await connection.release();
    expect(pool.gauges().cancels).toBe(0);
  });

  bench.test('F28', 'waits for a commit that runs at release, and cancels nothing', async () => {
    const { pool } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    await connection.begin(undefined);
    await run(connection, bench.sql.add, [801]);
    const committing = connection.commit();
    connection.cancel();
    void connection.release();
    expect(await committing).toBe(true);
    const next = await pool.acquire(FOREVER);
    const { rows } = await run<{ entry: number }>(next, bench.sql.entries);
    expect(rows.map(({ entry }) => entry)).toContain(801);
    await next.release();
    expect(pool.gauges().cancels).toBe(0);
  });

  bench.test(
    'F28 ISO-2',
    `hits nothing but its statement, though the cancel comes late ${LATE_CANCELS} times`,
    async () => {
      const { pool } = bench.open({ max: LATE_BORROWERS });
      const outcomes = { finished: 0, cancelled: 0 };
      let left = LATE_CANCELS;
      const borrow = async (): Promise<void> => {
        for (; left > 0; ) {
          left -= 1;
          const sameBorrower = left % 2 === 0;
          const connection = await pool.acquire(FOREVER);
          const victim = run(connection, bench.sql.sleep(0)).then(
            () => 'finished' as const,
            () => 'cancelled' as const,
          );
          connection.cancel();
          // The same borrower, and the next one, must both be safe from it.
          const own = sameBorrower ? run(connection, bench.sql.sleep(1)) : undefined;
          outcomes[await victim] += 1;
          await own;
          void connection.release();
          const next = await pool.acquire(FOREVER);
          await run(next, bench.sql.sleep(1));
          await next.release();
        }
      };
      await Promise.all(Array.from({ length: LATE_BORROWERS }, borrow));
      // If none had finished before its cancel arrived, this test would show nothing.
      expect(outcomes.finished).toBeGreaterThan(LATE_CANCELS / 10);
      expect(outcomes.finished + outcomes.cancelled).toBe(LATE_CANCELS);
      expect(pool.gauges()).toMatchObject({ cancels: LATE_CANCELS, opened: LATE_BORROWERS, lost: 0 });
    },
    LONG ? 600_000 : 60_000,
  );

  bench.test('F52', 'refuses what was queued behind a statement that release has stopped', async () => {
    const { pool, running } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    const outcomes = Promise.allSettled([
      run(connection, bench.sql.sleep(30_000)),
      run(connection, bench.sql.add, [803]),
    ]);
    await until(async () => (await running()) === 1);
    await connection.release();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = await pool.acquire(within(5_000));
    const { rows } = await run<{ entry: number }>(next, bench.sql.entries);
    expect(rows.map(({ entry }) => entry)).not.toContain(803);
    await next.release();
    expect(pool.gauges()).toMatchObject({ opened: 1, cancels: 1, lost: 0 });
  });
}
