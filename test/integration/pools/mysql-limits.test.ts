import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/pools/contract.js';
import type { ContractServer, TestedPool } from '../../contract/engine.js';
import { mysql } from '../../contract/engines/mysql.js';
import { FOREVER, failureOf, run } from '../../contract/support.js';

// How limits of time reach MariaDB: in the statement itself, until so many ask for the same that the session has it.

const MINE = 'SELECT @@max_statement_time AS s';
const MESSAGES = `SELECT CAST(VARIABLE_VALUE AS INT) AS n
  FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'QUESTIONS'`;

let server: ContractServer;
let tested: TestedPool;
let connection: Connection;

beforeAll(async () => {
  server = await mysql.start();
});
afterEach(() => tested.pool.close(0));
afterAll(() => server.close());

async function borrow(): Promise<void> {
  tested = server.makePool({ max: 1 });
  connection = await tested.pool.acquire(FOREVER);
}

/** The limit in seconds under which a statement stands that asks for so many milliseconds. */
async function limitUnder(limitMs: number | undefined): Promise<number> {
  const { rows, command } = await connection.query<{ s: string }>(MINE, undefined, limitMs);
  expect(command).toBe('SELECT');
  return Number(rows[0]?.s);
}

async function messages(): Promise<number> {
  const { rows } = await run<{ n: number }>(connection, MESSAGES);
  return Number(rows[0]?.n);
}

describe('limits that change with every statement', () => {
  it('cost no message of their own, and hold for their statement alone', async () => {
    await borrow();
    const before = await messages();
    for (const [limitMs, seconds] of [
      [500, 0.5],
      [5_000, 5],
      [450, 0.5],
      [undefined, 0],
      [200, 0.2],
    ] as const) {
      expect(await limitUnder(limitMs)).toBe(seconds);
    }
    // The last question is one of them.
    expect((await messages()) - before).toBe(6);
    await connection.release();
  });

  it('stop what takes longer, and leave everything else as it was', async () => {
    await borrow();
    const stopped = await failureOf(connection.query('SELECT SLEEP(30)', undefined, 100));
    expect(tested.pool.classify(stopped)).toBe('cancelled');
    const wrong = await failureOf(connection.query('SELECT nonsense', undefined, 100));
    expect(String(wrong)).toMatch(/^Error: Unknown column 'nonsense'/);
    await run(connection, 'CREATE TABLE counted (id int AUTO_INCREMENT PRIMARY KEY, n varchar(9))');
    const insert = 'INSERT INTO counted (n) VALUES (?), (?)';
    expect(await connection.query(insert, ["it's", '?'], 100)).toEqual({
      ...{ rows: [], rowCount: 2, command: 'INSERT' },
      insertId: 1,
    });
    expect((await connection.query('SELECT n FROM counted', undefined, 500)).rows).toEqual([{ n: "it's" }, { n: '?' }]);
    expect(await limitUnder(undefined)).toBe(0);
    await connection.release();
  });

  it('are the session’s once enough statements have asked for the same', async () => {
    await borrow();
    for (let i = 0; i < 4; i += 1) await limitUnder(500);
    const before = await messages();
    expect(await limitUnder(500)).toBe(0.5);
    // That one alone has no limit, and the question after the next finds the session's.
    expect((await messages()) - before).toBe(2);
    expect(await limitUnder(500)).toBe(0.5);
    await connection.begin(500);
    expect(await limitUnder(undefined)).toBe(0.5);
    const open = await messages();
    expect(await connection.commit()).toBe(true);
    // To lift the limit for it is no message of its own.
    expect((await messages()) - open).toBe(2);
    await connection.release();
  });
});
