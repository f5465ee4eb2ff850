import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import { createPool } from '../../../src/pools/create-pool.js';
import { FOREVER, failureOf, Journal, run, STILL } from '../../contract/support.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';

// A server of MySQL's kind hangs up on who sends `max_allowed_packet` bytes or more. What it says before that may be lost.

const MEGABYTE = 1_024 * 1_024;

let server: MariadbServer;

beforeAll(async () => {
  server = await startMariadb({ 'max-allowed-packet': String(MEGABYTE) });
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
      expect(String(failure)).toMatch(/takes less than 1048576 \(max_allowed_packet\)/);
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

type Statement = [text: string, values: unknown[]];
const inText = (n: number): Statement => [`SELECT LENGTH('${'x'.repeat(n)}') AS n`, []];
const apart = (n: number): Statement => [String.raw`SELECT LENGTH(?) AS n -- \ `, [Buffer.alloc(n, 'x')]];

it.each([
  ['in the text', inText, 1],
  // Counted with room for what the protocol adds.
  ['apart from it', apart, 24],
])('ISO-1 what is one byte below is answered, one more is not sent (%s)', async (_, statement, around) => {
  await server.ask("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'");
  await withPool(async ({ pool, journal }) => {
    const connection = await pool.acquire(FOREVER);
    const fits = MEGABYTE - 1 - around - statement(0)[0].length;
    expect((await run(connection, ...statement(fits))).rows).toEqual([{ n: fits }]);
    expect(await failureOf(run(connection, ...statement(fits + 1)))).toMatchObject({ name: 'PacketTooLargeError' });
    expect((await run(connection, 'SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await connection.release();
    expect(journal.entries).toEqual(['up']);
  });
});
