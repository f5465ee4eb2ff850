import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, ResultTooLargeError } from '../../../src/pools/contract.js';
import { createPool } from '../../../src/pools/create-pool.js';
import type { ContractServer, TestedPool, TestedPoolOptions } from '../../contract/engine.js';
import { mysql } from '../../contract/engines/mysql.js';
import { FOREVER, failureOf, giveBack, Journal, run, STILL, until } from '../../contract/support.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { selfSigned } from './self-signed.js';

// What only MySQL and MariaDB do, and the contract of the pools does not ask.

let server: ContractServer;
const pools: TestedPool[] = [];

beforeAll(async () => {
  server = await mysql.start();
});
afterEach(async () => {
  for (const { pool } of pools.splice(0)) await pool.close(0);
});
afterAll(() => server.close());

interface Options extends TestedPoolOptions {
  readonly maxResultBytes?: number;
}

function open(options: Options = {}): TestedPool {
  const made = server.makePool({ max: 2, ...options });
  pools.push(made);
  return made;
}

async function one(options: Options = {}): Promise<Connection> {
  return await open(options).pool.acquire(FOREVER);
}

async function count(connection: Connection, entry: number): Promise<number> {
  const { rows } = await run<{ n: number }>(connection, 'SELECT COUNT(*) AS n FROM entries WHERE entry = ?', [entry]);
  return rows[0]?.n ?? -1;
}

describe('values', () => {
  it('are no way to change a statement, objects and lists among them', async () => {
    const connection = await one();
    const secret = { entry: 1 };
    const { rows } = await run(connection, 'SELECT 1 AS hit FROM entries WHERE entry = ?', [secret]);
    expect(rows).toEqual([]);
    expect((await run(connection, "SELECT ? AS a, 'what?' AS b", ["' OR 1 = 1 -- \\"])).rows).toEqual([
      { a: "' OR 1 = 1 -- \\", b: 'what?' },
    ]);
    expect((await run(connection, 'SELECT 3 IN (?) AS hit', [[1, 2, 3]])).rows).toEqual([{ hit: 1 }]);
    expect((await run(connection, 'SELECT ? AS json, ? AS nothing', [{ a: [1] }, undefined])).rows).toEqual([
      { json: '{"a":[1]}', nothing: null },
    ]);
    await connection.release();
  });

  it('are safe, too, where a backslash escapes nothing', async () => {
    const connection = await one();
    await run(connection, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    const evil = "\\' OR 1 = 1 -- ";
    expect((await run(connection, 'SELECT ? AS value, ? AS nothing', [evil, undefined])).rows).toEqual([
      { value: evil, nothing: null },
    ]);
    await connection.release();
  });

  it('give large numbers whole, and the number of a new row', async () => {
    const connection = await one();
    expect((await run(connection, 'SELECT 9007199254740993 AS big, 7 AS small')).rows).toEqual([
      { big: '9007199254740993', small: 7 },
    ]);
    await run(connection, 'CREATE TABLE numbered (id int AUTO_INCREMENT PRIMARY KEY, n int)');
    expect(await run(connection, 'INSERT INTO numbered (n) VALUES (5)')).toMatchObject({ insertId: 1, rowCount: 1 });
    expect(await run(connection, 'UPDATE numbered SET n = 5')).toEqual({ rows: [], rowCount: 1, command: 'UPDATE' });
    await connection.release();
  });
});

describe('numbers that are none', () => {
  it.each([
    ['where a backslash escapes', ''],
    ['where it escapes nothing', 'NO_BACKSLASH_ESCAPES'],
  ])('are refused by their place before anything is sent, %s', async (_, mode) => {
    const connection = await one();
    await run(connection, `SET sql_mode = '${mode}'`);
    for (const [values, message] of [
      [[1, Number.NaN], 'values[1] is NaN, and no number of the server: give null, or a text'],
      [['a\\b', Number.POSITIVE_INFINITY], 'values[1] is Infinity, '],
      [[1, [2, Number.NEGATIVE_INFINITY]], 'values[1][1] is -Infinity, '],
    ] as const) {
      const failure = await failureOf(run(connection, "SELECT ? AS a, '\\\\' IN (?) AS b", values));
      expect(String(failure)).toContain(`NoNumberError: ${message}`);
      expect(open().pool.classify(failure)).toBe('application');
    }
    expect((await run(connection, 'SELECT ? AS a, ? AS b', [1.5e300, null])).rows).toEqual([{ a: 1.5e300, b: null }]);
    await connection.release();
  });
});

describe('a column that no row can have', () => {
  it.each([
    ['in a text', undefined],
    ['with values apart', ['a\\b']],
  ])('is named, and costs neither the session nor its transaction, %s', async (_, values) => {
    const tested = open({ max: 1 });
    const connection = await tested.pool.acquire(FOREVER);
    const entry = values === undefined ? 9_060 : 9_061;
    await run(connection, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    await connection.begin(undefined);
    const text = `INSERT INTO entries VALUES (${entry} + LENGTH(${values ? '?' : "''"}) * 0) RETURNING entry AS `;
    const failure = await failureOf(run(connection, `${text}\`__proto__\``, values));
    expect(String(failure)).toBe(
      'ColumnNameError: the answer has a column __proto__, which rows cannot have: give it another name in the statement (AS)',
    );
    expect(tested.pool.classify(failure)).toBe('application');
    expect((await run(connection, 'SELECT 1 AS `constructor`')).rows).toEqual([{ constructor: 1 }]);
    expect(await connection.commit()).toBe(true);
    expect(await count(connection, entry)).toBe(1);
    await connection.release();
    const next = await tested.pool.acquire(FOREVER);
    expect(next.id).toBe(connection.id);
    await next.release();
  });
});

describe('transactions', () => {
  it('are not what the columns of a row are called', async () => {
    const connection = await one();
    const text = 'SELECT 1 AS serverStatus, 7 AS affectedRows, 8 AS insertId';
    const row = { serverStatus: 1, affectedRows: 7, insertId: 8 };
    expect(await run(connection, text)).toEqual({ rows: [row], rowCount: 1, command: 'SELECT' });
    expect(connection.inTransaction).toBe(false);
    await connection.release();
  });

  it('that the server has rolled back take nothing more, and say at commit that they did not', async () => {
    const tested = open();
    const [victim, other] = (await Promise.all([tested.pool.acquire(FOREVER), tested.pool.acquire(FOREVER)])) as [
      Connection,
      Connection,
    ];
    await Promise.all([victim.begin(undefined), other.begin(undefined)]);
    // The one that has written more stays.
    await run(other, 'INSERT INTO entries VALUES (9001), (9002), (9003), (9004)');
    await Promise.all([run(victim, mysql.sql.lock, [5]), run(other, mysql.sql.lock, [6])]);
    const [failure] = await Promise.all([failureOf(run(victim, mysql.sql.lock, [6])), run(other, mysql.sql.lock, [5])]);
    expect(tested.pool.classify(failure)).toBe('contention');
    expect(victim.inTransaction).toBe(true);
    expect(String(await failureOf(run(victim, mysql.sql.add, [9_010])))).toContain('has rolled this transaction back');
    expect(await victim.commit()).toBe(false);
    expect(await count(victim, 9_010)).toBe(0);
    expect(await other.commit()).toBe(true);
    await giveBack([victim, other]);
  });

  it('go on after an error that is only that of a statement', async () => {
    const connection = await one();
    await connection.begin(undefined);
    await run(connection, mysql.sql.add, [9_020]);
    await failureOf(run(connection, mysql.sql.add, [9_020]));
    expect(await connection.commit()).toBe(true);
    expect(await count(connection, 9_020)).toBe(1);
    await connection.release();
  });

  it('that a statement has committed by the way are committed', async () => {
    const connection = await one();
    await connection.begin(undefined);
    await run(connection, mysql.sql.add, [9_030]);
    await run(connection, 'CREATE TABLE by_the_way (n int)');
    expect(connection.inTransaction).toBe(false);
    expect(await connection.commit()).toBe(true);
    expect(String(await failureOf(connection.commit()))).toContain('nothing to commit');
    await connection.release();
  });

  it('begin with the isolation that is asked for', async () => {
    const tested = open({ max: 2 });
    const [reader, writer] = (await Promise.all([tested.pool.acquire(FOREVER), tested.pool.acquire(FOREVER)])) as [
      Connection,
      Connection,
    ];
    for (const [isolation, seen] of [
      ['read committed', 1],
      ['repeatable read', 0],
    ] as const) {
      const entry = 9_040 + seen;
      await reader.begin(undefined, { isolation });
      expect(await count(reader, entry)).toBe(0);
      await run(writer, mysql.sql.add, [entry]);
      expect(await count(reader, entry)).toBe(seen);
      await reader.rollback();
    }
    await giveBack([reader, writer]);
  });
});

describe('a session', () => {
  it('forgets locked tables', async () => {
    const { pool } = open({ max: 1 });
    const first = await pool.acquire(FOREVER);
    await run(first, 'LOCK TABLES aside READ');
    await first.release();
    const next = await pool.acquire(FOREVER);
    expect(next.id).toBe(first.id);
    await run(next, 'SELECT 1 FROM entries LIMIT 1');
    await next.release();
  });
});

describe('an answer of more than the pool allows', () => {
  const BOUND = 1_024 * 1_024;
  const rows = (count: number): string => `SELECT REPEAT('x', 1000) AS filler FROM seq_1_to_${count}`;

  it.each([
    ['in many rows', rows(100_000)],
    ['in one value', "SELECT REPEAT('x', 15000000) AS filler"],
  ])('%s, is stopped, and its session with it; nobody takes the server for lost', async (_, text) => {
    const tested = open({ max: 1, maxResultBytes: BOUND });
    const connection = await tested.pool.acquire(FOREVER);
    await connection.begin(undefined);
    await run(connection, mysql.sql.add, [9_050]);
    const failure = await failureOf(run(connection, text));
    expect(failure).toBeInstanceOf(ResultTooLargeError);
    expect(String(failure)).toMatch(/pool "tested" answered with more than 1048576 bytes \(maxResultBytes\).*LIMIT/);
    expect(tested.pool.classify(failure)).toBe('application');
    await connection.release();
    const next = await tested.pool.acquire(FOREVER);
    expect(next.id).not.toBe(connection.id);
    expect(await tested.running()).toBe(0);
    expect(await count(next, 9_050)).toBe(0);
    expect(tested.journal.entries.filter((entry) => entry === 'down')).toEqual([]);
    await next.release();
  });

  it('is one of a single statement: several small ones together may be larger', async () => {
    const connection = await one({ max: 1, maxResultBytes: BOUND });
    for (let n = 0; n < 4; n += 1) expect((await run(connection, rows(900))).rowCount).toBe(900);
    await connection.release();
  });
});

describe('a server that cannot be used is told of at once, with the remedy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mysql-tls-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  let guarded: MariadbServer;

  beforeAll(async () => {
    const { certificate, key } = selfSigned('localhost');
    writeFileSync(files.cert, certificate);
    writeFileSync(files.key, key);
    guarded = await startMariadb({ 'ssl-cert': files.cert, 'ssl-key': files.key, 'plugin-load-add': 'auth_ed25519' });
    await guarded.ask("CREATE USER modern IDENTIFIED VIA ed25519 USING PASSWORD('p')");
    await guarded.ask("CREATE USER shy IDENTIFIED BY 'p' REQUIRE SSL");
    await guarded.ask('GRANT ALL ON app.* TO shy, modern');
  });
  afterAll(async () => {
    await guarded.close();
    rmSync(folder, { recursive: true });
  });

  /** What a pool says of a server that it cannot use; `undefined` where it can. */
  async function refusal(url: string, settings: object = {}): Promise<string | undefined> {
    const journal = new Journal();
    const pool = createPool({
      name: 'tested',
      url,
      ...STILL,
      max: 1,
      applicationName: 'refused',
      listener: journal,
      ...settings,
    });
    await until(() => journal.entries.length > 0);
    await pool.close(0);
    const [warning] = journal.warnings;
    return journal.entries[0] === 'up' ? undefined : `${warning?.code}: ${warning?.message}`;
  }

  const url = (user: string, host = 'localhost', query = ''): string =>
    `mysql://${user}:p@${host}:${guarded.port}/app${query}`;

  it('that is too old', async () => {
    const old = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(greeting('5.5.5-10.1.48-MariaDB'));
      // Whoever it is, may come in.
      socket.once('data', () => socket.write(Buffer.from([7, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0])));
    });
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
    const { port } = old.address() as AddressInfo;
    expect(await refusal(`mysql://a:b@127.0.0.1:${port}/app`)).toMatch(
      /^database_unsupported: .*MariaDB 10\.1\.48 is too old: use MariaDB 10\.2\.4 or MySQL 5\.7\.8, or newer/,
    );
    old.close();
  });

  it('that wants a plugin that the driver lacks', async () => {
    expect(await refusal(url('modern'))).toMatch(/^database_unsupported: .*client_ed25519.*mysql_native_password/);
  });

  it('that wants TLS where none was asked for', async () => {
    expect(await refusal(url('shy'))).toMatch(
      /^database_credentials_refused: .*it may also want TLS.*ssl-mode=VERIFY_IDENTITY/,
    );
  });

  it('that has no TLS, or a certificate of nobody or of somebody else', async () => {
    const { port } = server.address;
    expect(await refusal(`mysql://ordinary:contract@127.0.0.1:${port}/app?sslmode=require`)).toMatch(
      /^database_tls_failed: .*does not support secure connection/,
    );
    expect(await refusal(url('shy', 'localhost', '?ssl-mode=VERIFY_IDENTITY'))).toMatch(/^database_tls_failed: .*self/);
    const tlsCa = files.cert;
    expect(await refusal(url('shy', '127.0.0.1'), { tlsCa })).toMatch(/^database_tls_failed: .*(?:altnames|IP)/);
    expect(await refusal(url('shy'), { tlsCa })).toBeUndefined();
    expect(await refusal(url('shy', '127.0.0.1'), { tlsCa, tlsServerName: 'localhost' })).toBeUndefined();
    expect(await refusal(url('shy', '127.0.0.1', '?sslmode=no-verify'))).toBeUndefined();
  });
});

/** The first packet of a server. */
function greeting(version: string): Buffer {
  const salt = Buffer.alloc(20, 'x');
  const body = Buffer.concat([
    Buffer.from([10]),
    Buffer.from(`${version}\0`),
    Buffer.from([1, 0, 0, 0]),
    salt.subarray(0, 8),
    Buffer.from([0, 0xff, 0xf7, 8, 2, 0, 0xff, 0x81, 21]),
    Buffer.alloc(10),
    salt.subarray(8),
    Buffer.from('\0mysql_native_password\0'),
  ]);
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([head, body]);
}
