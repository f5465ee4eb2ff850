import { once } from 'node:events';
import mysql2 from 'mysql2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { PasswordSource } from '../../../src/pools/login.js';
import { MysqlKiller } from '../../../src/pools/mysql-killer.js';
import { loadMysql } from '../../../src/pools/mysql-module.js';
import { MysqlTarget } from '../../../src/pools/mysql-target.js';
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

it('serves who asks for a stop while the connection of the last one ends', async () => {
  const { host, port } = server.address;
  const { name } = await server.makeAccount(5);
  const url = `mysql://${name}:contract@${host}:${port}/app`;
  const killer = new MysqlKiller(loadMysql('main'), 'main', systemClock, 5_000);
  const login = { target: new MysqlTarget('main', { url }), programName: 'sluice' };
  const clients = [1, 2].map(() => mysql2.createConnection(url));
  try {
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const told: boolean[] = [];
    for (const client of clients) {
      client.query('DO SLEEP(60)').on('error', () => undefined);
      told.push(await killer.kill({ threadId: client.threadId ?? 0, login }));
    }
    expect(told).toEqual([true, true]);
  } finally {
    for (const client of clients) client.destroy();
  }
});
