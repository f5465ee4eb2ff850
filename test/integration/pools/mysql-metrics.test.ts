import express from 'express';
import mysql, { type RowDataPacket } from 'mysql2';
import { createGateway, type Gateway } from 'sluice';
import { metrics } from 'sluice/express';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { latch } from '../http/harness.js';
import { Scrape } from '../telemetry/scrape.js';
import { until } from './pool-fixture.js';

// What a server of MySQL says of all its sessions, in the metrics of those who ask for it.

let mariadb: MariadbServer;
let gateway: Gateway;

beforeAll(async () => {
  mariadb = await startMariadb();
  await mariadb.ask('CREATE TABLE hot AS SELECT 1 AS id');
  const { url } = mariadb;
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      pools: { main: { url, max: 2, minIdle: 2 }, operator: { url, max: 1, minIdle: 1, admin: true } },
      routes: { work: { pool: 'main', deadlineMs: 20_000 } },
    },
    { env: {} },
  );
});
afterAll(async () => {
  await gateway.drain({ timeoutMs: 0 });
  await mariadb.close();
});

/** What the pool of the operators tells of the server. */
async function told(): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number> {
  const { text } = await supertest(express().use(metrics(gateway, { serverMetrics: true }))).get('/');
  const seen = new Scrape(text);
  return (name, labels = {}) => seen.sum(`sluice_server_${name}`, { pool: 'operator', ...labels });
}

/** What the server says itself. */
async function status(name: string): Promise<number> {
  const [row] = await mariadb.ask<{ Value: string } & RowDataPacket>('SHOW GLOBAL STATUS LIKE ?', [name]);
  return Number(row?.Value);
}

it('sessions that wait for a row are seen while they do, and their waits are counted', async () => {
  const held = latch();
  const done = latch();
  const write = 'UPDATE hot SET id = id + 1';
  const holder = gateway.run('work', (handle) =>
    handle.transaction(async (client) => {
      await client.query(write);
      held.open();
      await done.promise;
    }),
  );
  await held.promise;
  const waiter = gateway.run('work', (handle) => handle.query(write));
  await until(async () => (await told())('sessions_waiting', { reason: 'lock' }) === 1);
  const during = await told();
  expect(during('sessions_active')).toBeGreaterThanOrEqual(1);
  expect(during('row_lock_waits_total')).toBe(1);
  done.open();
  await Promise.all([holder, waiter]);
  await until(async () => (await told())('row_lock_wait_seconds_total') > 0);
  const after = await told();
  expect(after('row_lock_wait_seconds_total')).toBeCloseTo((await status('Innodb_row_lock_time')) / 1_000, 6);
  expect(after('sessions_waiting', { reason: 'lock' })).toBe(0);
});

it('connects, threads and sessions that left without a goodbye are counted', async () => {
  await until(async () => (await told())('connects_total') > 0);
  const before = await told();
  expect(before('clients_aborted_total')).toBe(0);
  const rude = mysql.createConnection(mariadb.url);
  await new Promise((resolve) => rude.query('DO 0', resolve));
  rude.destroy();
  await until(async () => (await told())('clients_aborted_total') === 1);
  const after = await told();
  expect(after('connects_total')).toBeGreaterThan(before('connects_total'));
  expect(after('connects_total')).toBe(await status('Connections'));
  expect(after('threads_created_total')).toBe(await status('Threads_created'));
});
