import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Snapshot } from '../../../src/telemetry/snapshot.js';
import { until } from '../../faults/until.js';
import { type PostgresServer, startShopPostgres } from '../../support/postgres.js';
import { RedisServer } from '../../support/redis-server.js';
import { ShopProcess } from '../shop/shop-process.js';
import { SessionCount } from './session-count.js';

// Two shops that want 30 connections each, on a server that has 41 for them; one of them dies without a word.

const ROOM = 41;

let redis: RedisServer;
let postgres: PostgresServer;
let sessions: SessionCount;
const shops: ShopProcess[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  postgres = await startShopPostgres({ settings: { fsync: 'off', max_connections: '52' } });
  sessions = await SessionCount.start(postgres.url, 'sluice-shop');
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop.destroy()));
  await sessions.stop();
  await redis.close();
  await postgres.close();
});

async function start(): Promise<{ readonly shop: ShopProcess; readonly url: string }> {
  const floors = { CHECKOUT: '16', CATALOG: '8', REPORTS: '4', ADMIN: '2' };
  const env = {
    DATABASE_URL: postgres.url,
    SLUICE_REDIS_URL: redis.url,
    // Pools that are always full: one connection too many would be seen.
    ...Object.fromEntries(Object.entries(floors).map(([name, floor]) => [`SLUICE_POOL_${name}_MIN_IDLE`, floor])),
  };
  const shop = new ShopProcess({ env });
  shops.push(shop);
  return { shop, url: await shop.url() };
}

async function share(url: string): Promise<number> {
  const snapshot = (await (await fetch(`${url}/sluice/snapshot.json`)).json()) as Snapshot;
  return snapshot.pools.reduce((sum, { connections }) => sum + connections.max, 0);
}

it('gives what a killed instance had to the others, once its sessions are gone', async () => {
  const first = await start();
  await until(async () => (await share(first.url)) === 30);
  const second = await start();
  await until(async () => (await share(first.url)) === 20 && (await share(second.url)) === 20);
  await until(() => sessions.present === 40);
  await second.shop.destroy();
  const killedAtMs = performance.now();
  await until(async () => (await share(first.url)) === 30);
  const tookMs = performance.now() - killedAtMs;
  // Its heartbeat has to be missed three times; its sessions were gone long before, and that was seen.
  expect(tookMs).toBeGreaterThan(2_000);
  expect(tookMs).toBeLessThan(6_000);
  await until(() => sessions.present === 30);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
});
