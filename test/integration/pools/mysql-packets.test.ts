import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import { createPool } from '../../../src/pools/create-pool.js';
import { FOREVER, failureOf, Journal, run, STILL } from '../../contract/support.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';

// A server of MySQL's kind hangs up on who sends more than `max_allowed_packet`, a moment after it has said so.

const MEGABYTE = 1_024 * 1_024;

let server: MariadbServer;

beforeAll(async () => {
  server = await startMariadb({ 'max-allowed-packet': String(MEGABYTE) });
  await server.ask('CREATE TABLE entries (n int PRIMARY KEY)');
});
afterAll(() => server.close());

interface Opened {
  readonly pool: ConnectionPool;
  readonly journal: Journal;
}

async function withPool(use: (opened: Opened) => Promise<void>): Promise<void> {
  const journal = new Journal();
  const pool = createPool({
    name: 'tested',
    url: server.url,
    ...STILL,
    max: 2,
    applicationName: 'packets',
    listener: journal,
  });
  await use({ pool, journal });
  await pool.close(0);
}

const both = (pool: ConnectionPool) =>
  Promise.all([pool.acquire(FOREVER), pool.acquire(FOREVER)]) as Promise<[Connection, Connection]>;

it.each([
  ['a backslash escapes', ''],
  ['none does', 'NO_BACKSLASH_ESCAPES'],
])('ISO-1 a statement that is too large is not sent, and costs nobody anything (%s)', async (_, mode) => {
  await server.ask(`SET GLOBAL sql_mode = '${mode}'`);
  await withPool(async ({ pool, journal }) => {
    const connection = await pool.acquire(FOREVER);
    await connection.begin(undefined);
    const large = ['x', '\\', 'ü', Buffer.alloc(1, 'x')].map((each) =>
      typeof each === 'string' ? each.repeat(17 * MEGABYTE) : Buffer.alloc(MEGABYTE, each),
    );
    for (const value of large) {
      const failure = await failureOf(run(connection, 'SELECT LENGTH(?)', [value]));
      expect(failure).toMatchObject({ name: 'PacketTooLargeError', errno: 1153 });
      expect(String(failure)).toMatch(/takes 1048576 at most \(max_allowed_packet\)/);
      expect(pool.classify(failure)).toBe('application');
    }
    expect(await failureOf(run(connection, `SELECT 1 -- ${'x'.repeat(MEGABYTE)}`))).toMatchObject({ errno: 1153 });
    expect((await run(connection, 'SELECT LENGTH(?) AS n', ['ü'.repeat(MEGABYTE / 3)])).rows).toMatchObject([
      { n: 2 * Math.floor(MEGABYTE / 3) },
    ]);
    await connection.rollback();
    await connection.release();
    expect((await pool.acquire(FOREVER)).id).toBe(connection.id);
    expect(journal.entries).toEqual(['up']);
  });
});

it('ISO-1 where the server says it, that costs the session that it ends, and nobody else anything', async () => {
  await withPool(async ({ pool, journal }) => {
    const [sender, other] = await both(pool);
    const { id } = other;
    await other.release();
    // To the byte what the server has said that it takes; it counts its own end of the text as well.
    const around = "SELECT LENGTH('')".length + 1;
    const failure = await failureOf(run(sender, `SELECT LENGTH('${'x'.repeat(MEGABYTE - around)}')`));
    expect(failure).toMatchObject({ name: 'Error', errno: 1153 });
    expect(pool.classify(failure)).toBe('application');
    await sender.release();
    const next = await both(pool);
    expect(next.map((each) => each.id)).not.toContain(sender.id);
    expect(next.map((each) => each.id)).toContain(id);
    for (const [n, each] of next.entries()) await run(each, 'INSERT INTO entries VALUES (?)', [n]);
    expect(journal.entries).toEqual(['up']);
  });
});
