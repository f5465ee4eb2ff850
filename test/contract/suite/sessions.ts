import { expect } from 'vitest';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import type { Bench } from '../bench.js';
import { type Dialect, type TestedPool, TRACE_KINDS, type Trace } from '../engine.js';
import { FOREVER, failureOf, LONG, randomFrom, run, within } from '../support.js';

const ROUNDS = LONG ? 10_000 : 1_500;
const BORROWERS = 6;

/** What one borrower leaves, and the next must not find. */
export function sessions(bench: Bench): void {
  for (const kind of TRACE_KINDS) {
    bench.test(
      'STA-1 STA-5',
      `forgets ${kind} before the next borrower, off the path of the one who left it`,
      async () => {
        const traces = bench.sql.traces.filter((trace) => trace.kind === kind);
        expect(traces).not.toEqual([]);
        const tested = bench.open({ max: 1 });
        for (const trace of traces) await forgets(bench, tested, trace);
      },
    );
  }

  bench.test('STA-1', 'does not clean what was not touched', async () => {
    const { pool } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    await connection.begin(1_000);
    await connection.query(bench.sql.lock, [1], 1_000);
    await connection.commit();
    void connection.release();
    expect(pool.gauges()).toMatchObject({ idle: 1, cleaning: 0 });
  });

  bench.test('STA-1 F53', 'rolls back what was left open, failed or not', async () => {
    const { pool } = bench.open({ max: 1 });
    for (const text of [bench.sql.sleep(0), bench.sql.mistake]) {
      const connection = await pool.acquire(FOREVER);
      await connection.begin(1_000);
      await run(connection, bench.sql.add, [601]);
      await run(connection, text).catch(() => undefined);
      void connection.release();
      const next = await pool.acquire(FOREVER);
      expect(next.inTransaction).toBe(false);
      const { rows } = await run<{ entry: number }>(next, bench.sql.entries);
      expect(rows.map(({ entry }) => entry)).not.toContain(601);
      await next.release();
    }
    expect(pool.gauges().opened).toBe(1);
  });

  bench.test('STA-6', 'says whether a commit has committed', async () => {
    const { pool } = bench.open({ max: 1 });
    const connection = await pool.acquire(FOREVER);
    expect(connection.inTransaction).toBe(false);
    await connection.begin(1_000);
    expect(connection.inTransaction).toBe(true);
    expect(String(await failureOf(connection.begin(1_000)))).toContain('open already');
    await run(connection, bench.sql.add, [602]);
    expect(await connection.commit()).toBe(true);
    expect(connection.inTransaction).toBe(false);
    expect(String(await failureOf(connection.commit()))).toContain('nothing to commit');
    await connection.rollback();
    await connection.release();
  });

  bench.test('STA-1 LIF-11', 'gives up a session that is to be cleaned and no longer answers', async () => {
    const { server } = bench;
    const { pool } = bench.open({ max: 2, freezable: true });
    const connection = await pool.acquire(FOREVER);
    const session = await bench.sessionOf(connection);
    const trace = run(connection, bench.sql.traces[0]?.leave ?? '');
    await (bench.sql.shared ? failureOf(trace) : trace);
    await server.freeze(session);
    try {
      const failing = failureOf(run(connection, bench.sql.sleep(30_000)));
      // Its statement is not known to have stopped, so nothing can be cleaned: it ends, and so does its return.
      await connection.release();
      expect(pool.classify(await failing)).toBe('connection_lost');
      expect(pool.gauges()).toMatchObject({ inUse: 0, idle: 0 });
      await (await pool.acquire(within(10_000))).release();
    } finally {
      server.thaw(session);
    }
  });

  bench.test('STA-3 STA-4 STA-7 STA-8', 'heals or avoids statements whose plan went stale', async () => {
    const tested = bench.open({ max: 2 });
    const { make, ask, change } = bench.sql.reshape;
    const [one, two] = (await bench.take(tested, 2)) as [Connection, Connection];
    await run(one, make);
    for (let i = 0; i < 8; i += 1) await Promise.all([run(one, ask, [0]), run(two, ask, [0])]);
    await run(two, change);
    for (const each of [one, two]) {
      const { rows } = await run(each, ask, [0]);
      expect(rows).toEqual([{ n: 1, m: 2 }]);
      await each.release();
    }
    // Nor does the clean-up of a session break what was prepared in it.
    for (let i = 0; i < 3; i += 1) {
      const connection = await tested.pool.acquire(FOREVER);
      expect((await run(connection, ask, [0])).rows).toEqual([{ n: 1, m: 2 }]);
      const trace = run(connection, bench.sql.traces[0]?.leave ?? '');
      await (bench.sql.shared ? failureOf(trace) : trace);
      await connection.release();
    }
  });

  bench.test(
    'STA-6',
    `finds a session as at its start in each of ${ROUNDS} borrows, whatever the last borrower did`,
    async () => {
      const { pool } = bench.open({ max: 3 });
      const first = await pool.acquire(FOREVER);
      const { rows } = await run<{ state: string }>(first, bench.sql.state);
      await first.release();
      const pristine = rows[0]?.state ?? '';
      let left = ROUNDS;
      const count = { cleaned: 0, untouched: 0 };
      const borrow = async (random: () => number): Promise<void> => {
        for (; left > 0; ) {
          left -= 1;
          const connection = await pool.acquire(within(30_000));
          expect(connection.inTransaction).toBe(false);
          const found = await run<{ state: string }>(connection, bench.sql.state);
          expect(found.rows[0]?.state).toBe(pristine);
          const touched = await leaveSomething(connection, bench.sql, random);
          count[touched ? 'cleaned' : 'untouched'] += 1;
          const released = connection.release();
          if (random() < 0.5) await released;
        }
      };
      await Promise.all(Array.from({ length: BORROWERS }, (_, i) => borrow(randomFrom(i + 1))));
      expect(count.cleaned).toBeGreaterThan(ROUNDS / 4);
      expect(count.untouched).toBeGreaterThan(ROUNDS / 8);
      await allBack(pool);
    },
    LONG ? 600_000 : 60_000,
  );
}

/** One borrower leaves it, the next must not find it. */
async function forgets(bench: Bench, { pool }: TestedPool, { what, leave, look, clean }: Trace): Promise<void> {
  const first = await pool.acquire(FOREVER);
  if (bench.sql.shared) {
    await cannotLeave(bench, first, { what, leave, look, clean });
    return;
  }
  await run(first, leave);
  expect(await bench.value(first, look), what).not.toEqual(clean);
  const released = first.release();
  // The borrower's answer can go out while the session is still being cleaned.
  expect(pool.gauges(), what).toMatchObject({ idle: 0, cleaning: 1, inUse: 0 });
  await released;
  const second = await pool.acquire(FOREVER);
  expect(second.id).toBe(first.id);
  expect(await bench.value(second, look), what).toEqual(clean);
  await second.release();
}

/** What nobody can leave needs no cleaning: it is refused with the remedy, and reaches no part of the server. */
async function cannotLeave(
  bench: Bench,
  connection: Connection,
  { what, leave, look, clean }: Omit<Trace, 'kind'>,
): Promise<void> {
  const before = await bench.sessionOf(connection);
  const failure = await failureOf(run(connection, leave));
  expect(String(failure)).toMatch(/behind a pooler in transaction mode a session does not keep a.+: \w/);
  expect(await bench.value(connection, look), what).toEqual(clean);
  await connection.begin(undefined);
  expect(await failureOf(run(connection, leave))).toEqual(failure);
  expect(await bench.value(connection, look), what).toEqual(clean);
  // The transaction goes on: nothing of it was sent.
  expect(await connection.commit()).toBe(true);
  expect(await bench.sessionOf(connection)).toBe(before);
  await connection.release();
}

/** Leaves up to three things behind. False when there is nothing to clean. */
async function leaveSomething(connection: Connection, sql: Dialect, random: () => number): Promise<boolean> {
  let touched = false;
  for (let i = Math.floor(random() * 4); i > 0; i -= 1) {
    const dice = random();
    if (dice < 0.5) {
      const trace = sql.traces[Math.floor(random() * sql.traces.length)];
      // In a transaction that has failed nothing can be left, and some of it not twice.
      await run(connection, trace?.leave ?? '').catch(() => undefined);
      touched = true;
    } else if (dice < 0.65) {
      if (!connection.inTransaction) await connection.begin(5_000);
    } else if (dice < 0.75) {
      await run(connection, sql.mistake).catch(() => undefined);
    } else if (dice < 0.85) {
      await connection.query(sql.echo(0), ['x'], 1 + random() * 5_000).catch(() => undefined);
    } else if (dice < 0.95) {
      void run(connection, sql.sleep(20)).catch(() => undefined);
      if (random() < 0.5) connection.cancel();
    } else if (connection.inTransaction) {
      await (random() < 0.5 ? connection.commit() : connection.rollback()).catch(() => undefined);
    }
  }
  return touched || connection.inTransaction || connection.busy;
}

async function allBack(pool: ConnectionPool): Promise<void> {
  const all = await Promise.all(Array.from({ length: pool.max }, () => pool.acquire(within(10_000))));
  await Promise.all(all.map((each) => each.release()));
}
