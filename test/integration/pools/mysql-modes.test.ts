import type { RowDataPacket } from 'mysql2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connection, ConnectionPool } from '../../../src/pools/contract.js';
import { createPool } from '../../../src/pools/create-pool.js';
import { FOREVER, failureOf, Journal, run, STILL } from '../../contract/support.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';

// A value is a value whatever `sql_mode` a server has, and whatever becomes of it.

const EVIL = ["' or 1=1 -- ", "\\' or 1=1 -- ", "\\\\' or 1=1 -- ", '" or 1=1 -- '];
const TEXTS = [...EVIL, "a'b", 'a\\b', '\\', "\\'", 'what?', '\0\b\t\n\r\x1a"%_', 'ü', '🙂', '', '{"a":"b\\n"}'];

let server: MariadbServer;
let pool: ConnectionPool;

beforeAll(async () => {
  server = await startMariadb();
  for (const text of [
    'CREATE TABLE users AS SELECT seq AS id, CONCAT("user ", seq) AS name FROM seq_1_to_3',
    'CREATE TABLE log (n int)',
    "CREATE TRIGGER escaping BEFORE INSERT ON log FOR EACH ROW SET sql_mode = ''",
    "CREATE PROCEDURE escape_no_more() SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "CREATE PROCEDURE escape_again() SET sql_mode = ''",
  ]) {
    await server.ask(text);
  }
});
afterAll(() => server.close());
afterEach(() => pool.close(0));

async function setMode(mode: string): Promise<void> {
  await server.ask(`SET GLOBAL sql_mode = '${mode}'`);
}

function open(): Promise<Connection> {
  pool = createPool({
    name: 'tested',
    url: server.url,
    ...STILL,
    max: 1,
    applicationName: 'modes',
    listener: new Journal(),
  });
  return pool.acquire(FOREVER);
}

async function hits(connection: Connection): Promise<number> {
  let found = 0;
  for (const evil of EVIL) {
    found += (await run(connection, 'SELECT id FROM users WHERE name = ?', [evil])).rowCount ?? 0;
    found += (await run(connection, 'SELECT id FROM users WHERE name IN (?)', [[evil, 'nobody']])).rowCount ?? 0;
    found += (await run(connection, 'SELECT id FROM users WHERE name = ?', [{ evil }])).rowCount ?? 0;
  }
  return found;
}

/** What the server got of each text: by its bytes, which no way to write it has a part in. */
async function bytesGot(connection: Connection): Promise<string[]> {
  const got: string[] = [];
  for (const text of TEXTS) {
    const { rows } = await run<{ bytes: string }>(connection, 'SELECT HEX(?) AS bytes', [text]);
    got.push(rows[0]?.bytes ?? 'nothing');
  }
  return got;
}

const BYTES = TEXTS.map((text) => Buffer.from(text).toString('hex').toUpperCase());

describe.each([
  ['a backslash escapes', 'STRICT_TRANS_TABLES'],
  ['a backslash escapes nothing', 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'],
  ['a backslash escapes nothing, and quotes are for names', 'ANSI,NO_BACKSLASH_ESCAPES'],
])('where %s', (_, mode) => {
  beforeEach(() => setMode(mode));

  it('values are no part of the statement, from the first one of a session on', async () => {
    const connection = await open();
    expect(await hits(connection)).toBe(0);
    expect(await bytesGot(connection)).toEqual(BYTES);
    await connection.release();
  });

  it('the same holds in a session that was reset', async () => {
    const first = await open();
    await run(first, "SET sql_mode = ''");
    expect(await hits(first)).toBe(0);
    await first.release();
    const next = await pool.acquire(FOREVER);
    expect(next.id).toBe(first.id);
    expect(await hits(next)).toBe(0);
    expect(await bytesGot(next)).toEqual(BYTES);
    await next.release();
  });

  it('lists, dates, bytes and objects are what they are anywhere', async () => {
    const connection = await open();
    const ask = async (text: string, value: unknown): Promise<unknown> =>
      Object.values((await run(connection, text, [value])).rows[0] ?? {})[0];
    expect(await ask('SELECT 3 IN (?) AS hit', [1, 2, 3])).toBe(1);
    expect(await ask('SELECT GROUP_CONCAT(id) FROM users WHERE name IN (?)', ['user 1', 'a\\', 'user 3'])).toBe('1,3');
    expect(await ask("SELECT JSON_VALUE(?, '$.a')", { a: 'b"c' })).toBe('b"c');
    expect(await ask('SELECT HEX(?)', Buffer.from([0, 92, 39]))).toBe('005C27');
    expect(await ask('SELECT ?? FROM users LIMIT 1', 'id')).toBe(1);
    await connection.release();
  });

  it('no trigger, procedure or setting on the way opens a door', async () => {
    const connection = await open();
    for (const text of [
      'INSERT INTO log VALUES (1)',
      'CALL escape_no_more()',
      'CALL escape_again()',
      "SET STATEMENT sql_mode = '' FOR DO 0",
      "SET STATEMENT sql_mode = 'NO_BACKSLASH_ESCAPES' FOR DO 0",
      "BEGIN NOT ATOMIC SET sql_mode = ''; END",
      "EXECUTE IMMEDIATE 'SET sql_mode = ''NO_BACKSLASH_ESCAPES'''",
      "SET sql_mode = ''",
      "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    ]) {
      await run(connection, text);
      expect([text, await hits(connection), await bytesGot(connection)]).toEqual([text, 0, BYTES]);
    }
    await connection.release();
  });
});

it('the mode of the server may change while a session is open', async () => {
  await setMode('STRICT_TRANS_TABLES');
  const first = await open();
  await setMode('STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES');
  expect(await hits(first)).toBe(0);
  expect(await bytesGot(first)).toEqual(BYTES);
  await run(first, 'SET @leaves = 1');
  await first.release();
  const next = await pool.acquire(FOREVER);
  expect(await hits(next)).toBe(0);
  expect(await bytesGot(next)).toEqual(BYTES);
  await next.release();
});

it('leaves no statement prepared, and refuses a list that would have to be', async () => {
  await setMode('STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES');
  const connection = await open();
  const prepared = async (): Promise<string | undefined> =>
    (await server.ask<RowDataPacket>("SHOW STATUS LIKE 'Prepared_stmt_count'"))[0]?.Value;
  const before = await prepared();
  for (let n = 0; n < 5; n += 1) {
    expect((await run(connection, 'SELECT ? AS a, ? AS n', ['\\', n])).rows).toEqual([{ a: '\\', n }]);
  }
  await run(connection, 'DO 0');
  expect(await prepared()).toBe(before);
  const text = "SELECT id FROM users WHERE name LIKE '\\' OR id IN (?)";
  expect(await failureOf(run(connection, text, [[1, 2]]))).toMatchObject({ name: 'ListApartError' });
  expect((await run(connection, "SELECT '\\' AS a, ? AS b", [1])).rows).toEqual([{ a: '\\', b: 1 }]);
  await connection.release();
});
