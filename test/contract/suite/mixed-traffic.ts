import { expect } from 'vitest';
import type { Connection, ConnectionPool, FailureKind } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { failureOf, LONG, randomFrom, run, until, within } from '../support.js';

const REQUESTS = LONG ? 100_000 : 4_000;
const BORROWERS = 12;
/** What a request that cancels, times out or gives up may be told; anything else is somebody else's doing. */
const OWN_FAILURES: ReadonlySet<FailureKind> = new Set(['cancelled', 'connection_lost']);

interface Tally {
  answered: number;
  stopped: number;
  mismatched: number;
  readonly committed: Set<number>;
}

/** Everything at once: nobody may feel anybody else. */
export function mixedTraffic(bench: Bench): void {
  bench.test(
    'ISO-2 ISO-1 SIZ-4',
    `gives each of ${REQUESTS} mixed requests its own answer, amid cancels, time-outs and losses`,
    async () => {
      const tested = bench.open({ max: 5, minIdle: 1, maxLifetimeMs: 300, validateAfterIdleMs: 2 });
      const { pool } = tested;
      const tally: Tally = { answered: 0, stopped: 0, mismatched: 0, committed: new Set() };
      let left = REQUESTS;
      const borrow = async (borrower: number): Promise<void> => {
        const random = randomFrom(borrower + 1);
        for (; left > 0; ) {
          left -= 1;
          const number = 10_000 + left;
          // A class of their own for each would starve the lowest: the pool serves strictly, class by class.
          const connection = await pool.acquire(within(30_000, (left % 4) as 0 | 1 | 2 | 3));
          // Whatever the last borrower did, this is a clean session.
          expect(connection.inTransaction).toBe(false);
          await request(bench, pool, connection, random, number, tally);
          const released = connection.release();
          if (random() < 0.5) await released;
        }
      };
      let running = true;
      const most = watchSessions(tested.sessions, () => running);
      try {
        await Promise.all(Array.from({ length: BORROWERS }, (_, i) => borrow(i)));
      } finally {
        running = false;
      }
      expect(tally.mismatched).toBe(0);
      expect(tally.answered).toBeGreaterThan(REQUESTS / 3);
      expect(tally.stopped).toBeGreaterThan(REQUESTS / 100);
      expect(await most).toBeLessThanOrEqual(pool.max);
      await until(() => pool.gauges().cleaning === 0);
      expect(pool.gauges().cancels).toBeGreaterThan(REQUESTS / 20);
      const connection = await pool.acquire(within(10_000));
      const { rows } = await run<{ entry: number }>(connection, bench.sql.entries);
      await connection.release();
      const kept = rows.map(({ entry }) => Number(entry)).filter((entry) => entry >= 10_000);
      expect(kept.filter((entry) => !tally.committed.has(entry))).toEqual([]);
      expect(kept.length).toBe(tally.committed.size);
    },
    LONG ? 900_000 : 60_000,
  );
}

async function request(
  bench: Bench,
  pool: ConnectionPool,
  connection: Connection,
  random: () => number,
  number: number,
  tally: Tally,
): Promise<void> {
  const { sql } = bench;
  const dice = random();
  if (dice < 0.45) {
    await echo(bench, pool, connection, number, 0, undefined, tally);
  } else if (dice < 0.6) {
    // Cancelled about when the answer arrives or well before, and the next statement right behind it.
    const first = echo(bench, pool, connection, number, number % 8 === 0 ? 20 : 0, undefined, tally);
    connection.cancel();
    await first;
    await echo(bench, pool, connection, number, 0, undefined, tally);
  } else if (dice < 0.62) {
    // Its limit, where it is below, is reached about when the answer is ready.
    await echo(bench, pool, connection, number, 100, 1 + Math.floor(random() * 300), tally);
  } else if (dice < 0.7) {
    await echo(bench, pool, connection, number, 1, 500, tally);
  } else if (dice < 0.78) {
    // Left while it runs.
    void run(connection, sql.sleep(20)).catch(() => undefined);
  } else if (dice < 0.84) {
    const trace = sql.traces[Math.floor(random() * sql.traces.length)];
    const leaving = run(connection, trace?.leave ?? '');
    await (sql.shared ? failureOf(leaving) : leaving);
    await echo(bench, pool, connection, number, 0, undefined, tally);
  } else if (dice < 0.97) {
    await connection.begin(5_000);
    await run(connection, sql.add, [number]);
    if (dice < 0.92 && (await connection.commit())) tally.committed.add(number);
  } else {
    void run(connection, sql.sleep(20)).catch(() => undefined);
    connection.destroy();
  }
}

/** Asks for its own nonce; an answer with another one is what must never be. */
async function echo(
  bench: Bench,
  pool: ConnectionPool,
  connection: Connection,
  number: number,
  sleepMs: number,
  limitMs: number | undefined,
  tally: Tally,
): Promise<void> {
  const nonce = `${number}-${performance.now()}`;
  try {
    const { rows } = await connection.query<{ nonce: string }>(bench.sql.echo(sleepMs), [nonce], limitMs);
    if (rows.length === 1 && rows[0]?.nonce === nonce) tally.answered += 1;
    else tally.mismatched += 1;
  } catch (error) {
    if (!OWN_FAILURES.has(pool.classify(error))) throw error;
    tally.stopped += 1;
  }
}

async function watchSessions(sessions: () => Promise<string[]>, running: () => boolean): Promise<number> {
  let most = 0;
  while (running()) {
    most = Math.max(most, (await sessions()).length);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return most;
}
