import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FleetOptions } from '../../../src/fleet/fleet.js';
import { RedisRelay } from '../../faults/redis-relay.js';
import { until } from '../../faults/until.js';
import { RedisServer } from '../../support/redis-server.js';
import { openFleet, type TestFleet } from './support.js';

// How the way to a real Redis is lost and found again.

let redis: RedisServer;
let admin: Redis;
const opened: TestFleet[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
});
beforeEach(() => {
  admin = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ fleet }) => fleet.close()));
  admin.disconnect();
});
afterAll(() => redis.close());

async function open(url: string, options: Partial<FleetOptions> = {}): Promise<TestFleet> {
  const one = await openFleet(url, options);
  opened.push(one);
  return one;
}

/** A user who may write the keys of this pattern, and nothing else. */
async function userOf(pattern: string): Promise<string> {
  await admin.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pw', '+@all', `~${pattern}`);
  return redis.url.replace('//', '//app:pw@');
}

it('makes another connection where the network swallows what is sent on the present one', async () => {
  const relay = await RedisRelay.to(redis.port);
  try {
    const { fleet } = await open(relay.url);
    await until(() => !fleet.status.degraded);
    relay.swallow();
    const bucket = fleet.bucket('a', 100, 100, 1);
    await until(() => {
      bucket.take(performance.now(), 1);
      return fleet.status.degraded;
    });
    expect(fleet.status.trouble).toBe('no answer within 200 ms');
    await until(() => !fleet.status.degraded, 15_000);
  } finally {
    await relay.close();
  }
}, 30_000);

it('serves no database but the one of the URL, and says that there is none of its number', async () => {
  await admin.flushall();
  const { fleet, warnings } = await open(`${redis.url}/99`);
  const bucket = fleet.bucket('a', 1, 1, 1);
  await until(() => /no database of the number/.test(fleet.status.trouble));
  // After a new connection as well.
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  for (let count = 0; count < 50; count += 1) bucket.take(performance.now(), 1);
  const clients = async (): Promise<number> =>
    String(await admin.call('CLIENT', 'LIST', 'TYPE', 'normal')).split('\n').length;
  await until(async () => (await clients()) > 1);
  expect(await admin.dbsize()).toBe(0);
  expect(fleet.status.degraded).toBe(true);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.join()).toMatch(/^fleet_degraded,.*DB index.*it has no database of the number in the path/);
}, 20_000);

it('is not back before that answers which failed', async () => {
  const { fleet, warnings } = await open(await userOf('sluice:test:probe{}'));
  await until(() => !fleet.status.degraded);
  const bucket = fleet.bucket('a', 100, 100, 1);
  const goOn = (): boolean => bucket.take(performance.now(), 1) || true;
  await until(() => goOn() && fleet.status.degraded);
  const since = performance.now();
  await until(() => goOn() && performance.now() - since > 1_000);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded']);
  await userOf('*');
  await until(() => goOn() && !fleet.status.degraded);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded', 'fleet_restored']);
}, 20_000);

it('is back later and later where that never lasts', async () => {
  const changedAtMs: number[] = [];
  const warn = (): unknown => changedAtMs.push(performance.now());
  const { fleet } = await open(await userOf('sluice:test:probe*'), { warn });
  const bucket = fleet.bucket('a', 100, 100, 1);
  await until(() => {
    bucket.take(performance.now(), 1);
    return changedAtMs.length >= 8;
  }, 30_000);
  const away = (round: number): number => (changedAtMs[2 * round + 1] ?? 0) - (changedAtMs[2 * round] ?? 0);
  expect(away(2)).toBeGreaterThan(900);
  expect(away(3)).toBeGreaterThan(1_900);
}, 40_000);
