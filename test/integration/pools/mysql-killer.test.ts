import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import mysql2 from 'mysql2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { Connection } from '../../../src/pools/contract.js';
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

function stillVictim() {
  const told: string[] = [];
  return { told, onServerAnswers: () => told.push('answers'), onElsewhere: () => told.push('elsewhere') };
}

const NAME = 'CONCAT(@@hostname, @@port)';

it('serves who asks for a stop while the connection of the last one ends', async () => {
  const { host, port } = server.address;
  const { name } = await server.makeAccount(5);
  const url = `mysql://${name}:contract@${host}:${port}/app`;
  const killer = new MysqlKiller(loadMysql('main'), {
    pool: 'main',
    clock: systemClock,
    limitMs: 5_000,
    warn: () => undefined,
  });
  const login = { target: new MysqlTarget('main', { url }), programName: 'sluice' };
  const clients = [1, 2].map(() => mysql2.createConnection(url));
  try {
    await Promise.all(clients.map((client) => once(client, 'connect')));
    const told: boolean[] = [];
    for (const client of clients) {
      client.query('DO SLEEP(60)').on('error', () => undefined);
      const order = { threadId: client.threadId ?? 0, login, victim: stillVictim() };
      told.push(await killer.kill({ ...order, server: { text: NAME, name: `${hostname()}${port}` } }));
    }
    expect(told).toEqual([true, true]);
  } finally {
    for (const client of clients) client.destroy();
  }
});

describe('behind one address with several servers', () => {
  let other: ContractServer;
  let relay: Server;
  let turns: ContractServer[];
  let killTakesMs = 0;

  beforeAll(async () => {
    other = await mysql.start();
    relay = createServer((socket) => {
      const to = turns.length > 1 ? turns.shift() : turns[0];
      const behind = connect(to?.address ?? expect.fail('nobody'));
      socket.on('error', () => behind.destroy()).on('close', () => behind.destroy());
      behind.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      behind.pipe(socket);
      // One that is told to stop a statement takes its time.
      socket.on('data', (chunk) => {
        const waitMs = chunk.includes('KILL QUERY') ? killTakesMs : 0;
        if (waitMs === 0) behind.write(chunk);
        else setTimeout(() => behind.write(chunk), waitMs);
      });
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
  });
  afterAll(async () => {
    relay.close();
    await other.close();
  });

  const at = () => ({ host: '127.0.0.1', port: (relay.address() as AddressInfo).port });

  /** Someone else's statement on the other server, in a session of the same number. */
  async function innocent(id: string): Promise<{ readonly running: Promise<unknown>; end(): void }> {
    const { host, port } = other.address;
    for (;;) {
      const client = mysql2.createConnection(`mysql://ordinary:contract@${host}:${port}/app`);
      await once(client, 'connect');
      if (String(client.threadId) !== id && Number(id) > (client.threadId ?? 0)) {
        client.destroy();
        continue;
      }
      expect(String(client.threadId)).toBe(id);
      const running = new Promise((resolve) => {
        client.query('SELECT SLEEP(1.5) AS slept', (error, rows) => resolve(error ?? rows));
      });
      return { running, end: () => client.destroy() };
    }
  }

  it('finds the right one where they take turns', async () => {
    turns = [server, other, server, other, server];
    const { pool } = server.makePool({ max: 1, at: at() });
    const connection = await pool.acquire(FOREVER);
    const failing = failureOf(run(connection, mysql.sql.sleep(30_000)));
    await until(() => connection.busy);
    connection.cancel();
    expect(pool.classify(await failing)).toBe('cancelled');
    await connection.release();
    expect((await pool.acquire(FOREVER)).id).toBe(connection.id);
    await pool.close(0);
  });

  it('stops nobody elsewhere, ends the session instead, and says so once', async () => {
    turns = [server, server, other];
    const { pool, journal } = server.makePool({ max: 2, at: at() });
    const pair = (await Promise.all([pool.acquire(FOREVER), pool.acquire(FOREVER)])) as [Connection, Connection];
    const { rows } = await run<{ id: number }>(pair[0], mysql.sql.sessionId);
    const bystander = await innocent(String(rows[0]?.id));
    const failing = pair.map((each) => failureOf(run(each, mysql.sql.sleep(30_000))));
    await until(() => pair.every((each) => each.busy));
    for (const each of pair) each.cancel();
    for (const each of failing) expect(pool.classify(await each)).toBe('connection_lost');
    expect(await bystander.running).toEqual([{ slept: 0 }]);
    bystander.end();
    expect(journal.warnings.map(({ code }) => code)).toEqual(['database_cancel_elsewhere']);
    expect(journal.count('down')).toBe(0);
    turns = [server];
    for (const each of pair) await each.release();
    const next = await pool.acquire(FOREVER);
    expect(pair.map(({ id }) => id)).not.toContain(next.id);
    await pool.close(0);
  });

  it('does not take a server that is slow to stop a statement for one that is silent', async () => {
    turns = [server];
    killTakesMs = 1_600;
    const { pool, journal } = server.makePool({ max: 4, at: at() });
    const lent = await Promise.all([1, 2, 3, 4].map(() => pool.acquire(FOREVER)));
    const ids = lent.map(({ id }) => id);
    const failing = lent.map((each) => run(each, mysql.sql.sleep(400)).catch((error: unknown) => error));
    await until(() => lent.every((each) => each.busy));
    for (const each of lent) each.cancel();
    await Promise.all(failing);
    for (const each of lent) await each.release();
    const again = await Promise.all([1, 2, 3, 4].map(() => pool.acquire(FOREVER)));
    expect(again.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(journal.entries).toEqual(['up']);
    killTakesMs = 0;
    await pool.close(0);
  });
});
