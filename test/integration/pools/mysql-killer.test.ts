import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PasswordSource } from '../../../src/pools/login.js';
import type { ContractServer, TestedPoolOptions } from '../../contract/engine.js';
import { mysql } from '../../contract/engines/mysql.js';
import { FOREVER, failureOf, run, until, within } from '../../contract/support.js';

// What stops a statement of MySQL and MariaDB is a connection of its own, with a login of its own.

let server: ContractServer;

beforeAll(async () => {
  server = await mysql.start();
});
afterAll(() => server.close());

interface Options extends TestedPoolOptions {
  readonly password: PasswordSource;
}

it('CRE-4 gives a place back although the password for what stops its statement never comes', async () => {
  let asked = 0;
  // The second one who asks is whoever is to stop the statement.
  const password = (): Promise<string> => {
    asked += 1;
    return asked === 2 ? new Promise(() => undefined) : Promise.resolve('contract');
  };
  const options: Options = { max: 1, password };
  const { pool, running } = server.makePool(options);
  const connection = await pool.acquire(FOREVER);
  const failing = failureOf(run(connection, mysql.sql.sleep(30_000)));
  await until(async () => (await running()) === 1);
  connection.cancel();
  expect(pool.classify(await failing)).toBe('connection_lost');
  expect(asked).toBe(2);
  await connection.release();
  const next = await pool.acquire(within(8_000));
  expect(next.id).not.toBe(connection.id);
  await next.release();
  expect(pool.gauges()).toMatchObject({ total: 1, inUse: 0, cleaning: 0 });
  await pool.close(0);
});
