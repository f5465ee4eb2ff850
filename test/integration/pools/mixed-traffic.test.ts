import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
import type { Connection, ConnectionPool, FailureKind } from '../../../src/pools/contract.js';
import { ask, expectAtRest, makePool, sessionsOf, until, within } from './pool-fixture.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  await ask(server.url, 'CREATE TABLE ledger (entry int PRIMARY KEY)');
});

afterAll(() => server.close());

const BORROWERS = 12;
const BORROWS = 120;
/** What a borrower who cancels, leaves early or loses its session may be told; anything else is somebody else's doing. */
const OWN_FAILURES: ReadonlySet<FailureKind> = new Set(['cancelled', 'connection_lost']);

/** Uniform in [0, 1), the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('mixed traffic', () => {
  it('never lets one borrower feel another', { timeout: 60_000 }, async () => {
    const made = makePool(server, { max: 5, minIdle: 1, maxLifetimeMs: 300, validateAfterIdleMs: 2 });
    const { pool } = made;
    const committed = new Set<number>();
    const borrowers = Array.from({ length: BORROWERS }, (_, i) => borrowMany(pool, i, committed));
    let running = true;
    const most = watchSessions(made.applicationName, () => running);
    await Promise.all(borrowers);
    running = false;
    expect(await most).toBeLessThanOrEqual(pool.max);
    await until(() => pool.gauges().cleaning === 0);
    await expectAtRest(made, server.url);
    const rows = await ask<{ entry: number }>(server.url, 'SELECT entry FROM ledger ORDER BY entry');
    expect(rows.map(({ entry }) => entry)).toEqual([...committed].sort((a, b) => a - b));
    expect(pool.gauges().cancels).toBeGreaterThan(100);
    await pool.close(within(1_000).deadlineAtMs);
    expect(pool.gauges()).toMatchObject({ total: 0, connecting: 0 });
    await until(async () => (await sessionsOf(server.url, made.applicationName)).length === 0);
  });
});

async function borrowMany(pool: ConnectionPool, borrower: number, committed: Set<number>): Promise<void> {
  const random = randomFrom(borrower + 1);
  for (let i = 0; i < BORROWS; i += 1) {
    const connection = await pool.acquire(within(30_000, (borrower % 4) as 0 | 1 | 2 | 3));
    // Whatever the last borrower did, this is a clean session.
    expect(connection.inTransaction).toBe(false);
    await useSomehow(pool, connection, random, borrower * BORROWS + i, committed);
    const released = connection.release();
    if (random() < 0.5) await released;
  }
}

async function useSomehow(
  pool: ConnectionPool,
  connection: Connection,
  random: () => number,
  entry: number,
  committed: Set<number>,
): Promise<void> {
  const dice = random();
  if (dice < 0.3) {
    await expectOwn(pool, connection, entry, false);
  } else if (dice < 0.5) {
    await expectOwn(pool, connection, entry, true);
    await expectOwn(pool, connection, entry, false);
  } else if (dice < 0.65) {
    // Left while it runs.
    void connection.query('SELECT pg_sleep(0.02)', undefined, 100).catch(() => undefined);
  } else if (dice < 0.75) {
    await connection.query("SET search_path = 'nowhere'", undefined, undefined);
  } else if (dice < 0.95) {
    await connection.begin(1_000);
    await connection.query('INSERT INTO ledger VALUES ($1)', [entry], 1_000);
    if (dice < 0.85 && (await connection.commit())) committed.add(entry);
  } else {
    void connection.query('SELECT pg_sleep(0.02)', undefined, undefined).catch(() => undefined);
    connection.destroy();
  }
}

async function expectOwn(
  pool: ConnectionPool,
  connection: Connection,
  entry: number,
  cancelled: boolean,
): Promise<void> {
  // The relation is found only with the search path of a clean session.
  const text = 'SELECT $1::int AS entry, count(*) FROM ledger WHERE entry < 0';
  const answer = connection.query<{ entry: number }>(text, [entry], 2_000);
  if (cancelled) connection.cancel();
  try {
    const { rows } = await answer;
    expect(rows[0]?.entry).toBe(entry);
  } catch (error) {
    if (!cancelled || !OWN_FAILURES.has(pool.classify(error))) throw error;
  }
}

async function watchSessions(applicationName: string, running: () => boolean): Promise<number> {
  let most = 0;
  while (running()) most = Math.max(most, (await sessionsOf(server.url, applicationName)).length);
  return most;
}
