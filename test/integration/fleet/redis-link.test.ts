import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { FleetOptions } from '../../../src/fleet/fleet.js';
import { RedisRelay } from '../../faults/redis-relay.js';
import { until } from '../../faults/until.js';
import { RedisServer } from '../../support/redis-server.js';
import { openFleet, type TestFleet } from './support.js';

// How the way to a real Redis is lost and found again.

/** As the trouble and the guide say. */
const NEEDED = ['eval', 'evalsha', 'time', 'hgetall', 'hmget', 'hset', 'hdel', 'set', 'del', 'pexpire'];

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
    const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
    await until(() => {
      bucket.take(performance.now(), 1);
      return fleet.status.degraded;
    });
    expect(fleet.status.trouble).toBe('no answer within 200 ms');
    await until(() => !fleet.status.degraded);
  } finally {
    await relay.close();
  }
});

it('serves no database but the one of the URL, and says that there is none of its number', async () => {
  await admin.flushall();
  const { fleet, warnings } = await open(`${redis.url}/99`);
  const bucket = fleet.bucket('a', { refillPerSecond: 1, burst: 1 }, 1);
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
});

it('is not back before that answers which failed', async () => {
  const { fleet, warnings } = await open(await userOf('sluice:test:probe{}'));
  await until(() => !fleet.status.degraded);
  const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
  const goOn = (): boolean => bucket.take(performance.now(), 1) || true;
  await until(() => goOn() && fleet.status.degraded);
  const since = performance.now();
  await until(() => goOn() && performance.now() - since > 1_000);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded']);
  await userOf('*');
  await until(() => goOn() && !fleet.status.degraded);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded', 'fleet_restored']);
});

it('is back later and later where that never lasts', async () => {
  const changedAtMs: number[] = [];
  const warn = (code: string): void => {
    changedAtMs.push(performance.now());
    void userOf(code === 'fleet_degraded' ? '*' : 'sluice:test:probe*');
  };
  const { fleet } = await open(await userOf('sluice:test:probe*'), { warn });
  const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
  await until(() => {
    bucket.take(performance.now(), 1);
    return changedAtMs.length >= 8;
  });
  const away = (round: number): number => (changedAtMs[2 * round + 1] ?? 0) - (changedAtMs[2 * round] ?? 0);
  expect(away(2)).toBeGreaterThan(900);
  expect(away(3)).toBeGreaterThan(1_900);
});

it('is not back, for all that is taken of others, before the very call is taken that was refused', async () => {
  const { fleet, warnings } = await open(await userOf('sluice:test:probe*'));
  const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
  const since = performance.now();
  await until(() => bucket.take(performance.now(), 1) && performance.now() - since > 2_000);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded']);
  await userOf('*');
  await until(() => !fleet.status.degraded);
  expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded', 'fleet_restored']);
});

it.each(['TIME', 'HSET', 'PEXPIRE', 'HDEL'])(
  'names %s where its user may not run it, and stays away',
  async (command) => {
    const url = await userOf('*');
    await admin.call('ACL', 'SETUSER', 'app', `-${command.toLowerCase()}`);
    const { fleet, warnings } = await open(url);
    expect(fleet.status.trouble).toMatch(new RegExp(`\\(${command}\\): its user needs the keys sluice:\\*, and EVAL`));
    expect(fleet.status.trouble).not.toMatch(/user_script/);
    const since = performance.now();
    await until(() => performance.now() - since > 1_000);
    expect(warnings.map(([code]) => code)).toEqual(['fleet_degraded']);
  },
);

it('needs no other rights than those that it names', async () => {
  const { fleet, warnings } = await open(await userOf('sluice:*'));
  await admin.call('ACL', 'SETUSER', 'app', '-@all', ...NEEDED.map((command) => `+${command}`));
  const lane = fleet.lane('reports', 4, 1_000);
  const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
  expect(await fleet.heartbeat.start({ report: () => ({ fields: '', needs: [] }), hear: () => false })).toBe(true);
  await until(() => bucket.take(performance.now(), 1) && fleet.status.reports > 3 && lane.status.instances === 1);
  expect(warnings).toEqual([]);
});

it('says that the memory of the server is full, without a word on scripts', async () => {
  await admin.config('SET', 'maxmemory', '1');
  try {
    const { fleet } = await open(redis.url);
    expect(fleet.status.trouble).toMatch(/^OOM .* \(SET\): its memory is full \(maxmemory\): give it more/);
    expect(fleet.status.trouble).not.toMatch(/user_script/);
  } finally {
    await admin.config('SET', 'maxmemory', '0');
  }
});

it('takes the place of what others left under its keys, and says so once', async () => {
  await admin.flushall();
  const keys = ['sluice:test:members', 'sluice:test:tokens:{a}', 'sluice:test:lanes:{reports}'];
  for (const key of keys) await admin.set(key, 'x');
  const { fleet, warnings } = await open(redis.url);
  const lane = fleet.lane('reports', 4, 1_000);
  const bucket = fleet.bucket('a', { refillPerSecond: 100, burst: 100 }, 1);
  expect(await fleet.heartbeat.start({ report: () => ({ fields: '', needs: [] }), hear: () => false })).toBe(true);
  await until(() => bucket.take(performance.now(), 1) && fleet.status.reports > 3 && lane.status.instances === 1);
  expect(fleet.status.degraded).toBe(false);
  const told = warnings.map(([code, message]) => [code, keys.findIndex((key) => message.includes(key))]);
  expect(told.toSorted()).toEqual([0, 1, 2].map((key) => ['fleet_key_replaced', key]));
});

it('lets nothing reach the console past the logger, not where a password is needless or INFO is forbidden', async () => {
  const spies = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
  try {
    await userOf('*');
    await admin.call('ACL', 'SETUSER', 'app', '-info');
    for (const login of [':needless@', 'app:pw@', ':wrong:too@']) {
      const { fleet } = await open(redis.url.replace('//', `//${login}`));
      await until(() => !fleet.status.degraded);
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

it('does not try a server again and again that refuses: a replica, or one of another password', async () => {
  const replica = await RedisServer.start();
  const client = new Redis(replica.url);
  const connections = async (): Promise<number> =>
    Number(/total_connections_received:(\d+)/.exec(await client.info('stats'))?.[1]);
  try {
    await client.replicaof('127.0.0.1', '1');
    for (const url of [replica.url, replica.url.replace('//', '//nobody:pw@')]) {
      const { fleet } = await open(url);
      await until(async () => (await connections()) > 4);
      const [before, since] = [await connections(), performance.now()];
      await until(() => performance.now() - since > 2_000);
      // Of two instances in the second round.
      expect((await connections()) - before).toBeLessThanOrEqual(11);
      expect(fleet.status.degraded).toBe(true);
    }
    await client.replicaof('NO', 'ONE');
    const promotedAtMs = performance.now();
    await until(() => opened.at(-2)?.fleet.status.degraded === false);
    expect(performance.now() - promotedAtMs).toBeLessThan(1_500);
  } finally {
    client.disconnect();
    await replica.close();
  }
});
