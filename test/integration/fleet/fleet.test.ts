import { once } from 'node:events';
import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { Bucket } from '../../../src/core/bucket.js';
import type { Fleet, FleetOptions } from '../../../src/fleet/fleet.js';
import type { RedisClient } from '../../../src/fleet/redis-link.js';
import { RedisServer } from '../../support/redis-server.js';
import { openFleet, type TestFleet } from './support.js';

let server: RedisServer;
let redis: Redis;
const open: Fleet[] = [];

async function begin(): Promise<void> {
  server = await RedisServer.start();
  redis = new Redis(server.url);
  redis.on('error', () => {});
}

async function end(): Promise<void> {
  redis.disconnect();
  await server.close();
}

afterEach(async () => {
  for (const fleet of open.splice(0)) await fleet.close();
});

async function join(options: Partial<FleetOptions> = {}, url = server.url): Promise<TestFleet> {
  const made = await openFleet(url, options);
  open.push(made.fleet);
  return made;
}

const now = (): number => systemClock.nowMs();

function drain(bucket: Bucket): number {
  let count = 0;
  while (bucket.canTake(now(), 1)) {
    bucket.take(now(), 1);
    count += 1;
  }
  bucket.miss(now(), 1);
  return count;
}

/** What a bucket gives until it has given `tokens`, or a second has passed. */
async function giveUpTo(bucket: Bucket, tokens: number): Promise<number> {
  let count = 0;
  const untilMs = now() + 1_000;
  while (count < tokens && now() < untilMs) {
    count += drain(bucket);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return count;
}

/** So slow that nothing refills meanwhile. */
const STILL = 0.001;

describe('a fleet on a real Redis', () => {
  beforeAll(begin);
  afterAll(end);
  beforeEach(() => redis.flushall());

  it('shares a burst among its instances, and no more than it', async () => {
    const [one, other] = [await join({ instances: 2 }), await join({ instances: 2 })];
    const buckets = [one, other].map(({ fleet }) =>
      fleet.bucket('checkout:endpoint', { refillPerSecond: STILL, burst: 100 }, 1),
    );
    // The first has its half at once, and then what the other did not need.
    expect(drain(buckets[0] as Bucket)).toBe(50);
    expect(await giveUpTo(buckets[0] as Bucket, 50)).toBe(50);
    // What the other spends on credit is taken from what refills next.
    expect(drain(buckets[1] as Bucket)).toBe(50);
    await expect
      .poll(async () => Number(await redis.hget('sluice:test:tokens:{checkout:endpoint}', 'level')))
      .toBeCloseTo(-50, 1);
  });

  it('keeps fleets of other names apart', async () => {
    const [one, other] = [await join(), await join({ name: 'other' })];
    expect(drain(one.fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1))).toBe(10);
    expect(drain(other.fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1))).toBe(10);
  });

  it('gives back at the end what is prepaid', async () => {
    const { fleet } = await join();
    fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1).take(now(), 3);
    await expect.poll(() => fleet.status.reports).toBeGreaterThan(0);
    await fleet.close();
    expect(Number(await redis.hget('sluice:test:tokens:{x}', 'level'))).toBeCloseTo(7, 1);
  });

  it('asks Redis as often as its rhythm says, however many requests there are', async () => {
    const { fleet } = await join({ syncMs: 50 });
    const bucket = fleet.bucket('x', { refillPerSecond: 1_000_000, burst: 1_000_000 }, 1);
    const beganAtMs = now();
    let requests = 0;
    while (now() - beganAtMs < 500 || fleet.status.reports <= 5) {
      for (let burst = 0; burst < 100; burst += 1) if (bucket.take(now(), 1)) requests += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(requests).toBeGreaterThan(10_000);
    // At most every 5 ms, however low it runs.
    expect(fleet.status.reports).toBeLessThanOrEqual((now() - beganAtMs) / 5 + 2);
  });

  it('hides what callers are called', async () => {
    const { fleet } = await join();
    fleet.bucket('x:caller:secret-api-key', { refillPerSecond: STILL, burst: 10 }, 1).take(now(), 1);
    await expect.poll(() => redis.keys('*:tokens:*')).toHaveLength(1);
    expect((await redis.keys('*')).join()).not.toContain('secret');
  });

  it('says who is stricter where instances disagree, and lets that hold', async () => {
    const [one, other] = [await join(), await join()];
    const strict = one.fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1);
    const lax = other.fleet.bucket('x', { refillPerSecond: STILL, burst: 100 }, 1);
    strict.take(now(), 1);
    await expect.poll(() => redis.exists('sluice:test:tokens:{x}')).toBe(1);
    lax.take(now(), 1);
    await expect.poll(() => other.warnings.map(([code]) => code)).toContain('fleet_mismatch');
    expect(other.warnings.at(-1)?.[1]).toMatch(/rate limit "x"; the stricter one holds: 0.001 per second, burst 10/);
    expect(one.warnings).toEqual([]);
    // Every answer says so; the log does once.
    await expect
      .poll(() => {
        lax.take(now(), 1);
        return other.fleet.status.reports;
      })
      .toBeGreaterThan(5);
    expect(other.warnings).toHaveLength(1);
  });

  it('takes a client of the application, and leaves it open', async () => {
    const client = new Redis(server.url);
    const { fleet } = await join({ client: client as unknown as RedisClient }, '');
    expect(drain(fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1))).toBe(10);
    await expect.poll(() => fleet.status.reports).toBeGreaterThan(0);
    await fleet.close();
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it('works on a Redis Cluster', async () => {
    const node = await RedisServer.start({
      settings: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' },
    });
    const direct = new Redis(node.url);
    try {
      await direct.cluster('ADDSLOTSRANGE', 0, 16_383);
      await expect.poll(async () => await direct.cluster('INFO')).toContain('cluster_state:ok');
      const cluster = new Cluster([{ host: '127.0.0.1', port: node.port }], { lazyConnect: true });
      await cluster.connect();
      const { fleet } = await join({ client: cluster as unknown as RedisClient }, '');
      for (const key of ['a', 'b', 'c:caller:}{'])
        expect(drain(fleet.bucket(key, { refillPerSecond: STILL, burst: 10 }, 1))).toBe(10);
      await expect.poll(async () => (await direct.keys('*:tokens:*')).length).toBe(3);
      expect(fleet.status).toMatchObject({ degraded: false });
      await fleet.close();
      cluster.disconnect();
    } finally {
      direct.disconnect();
      await node.close();
    }
  });
});

describe('a fleet whose Redis fails', () => {
  beforeEach(begin);
  afterEach(end);

  it('starts without it, lives on its share, and comes back by itself', async () => {
    await server.stop();
    const { fleet, warnings } = await join({ instances: 4 });
    expect(fleet.status).toMatchObject({ degraded: true });
    expect(warnings).toEqual([['fleet_degraded', expect.stringMatching(/ECONNREFUSED.*own share/)]]);
    expect(drain(fleet.bucket('x', { refillPerSecond: STILL, burst: 40 }, 1))).toBe(10);
    await server.start();
    await expect.poll(() => fleet.status.degraded, { timeout: 1_000, interval: 5 }).toBe(false);
    expect(warnings.at(-1)?.[0]).toBe('fleet_restored');
  });

  it('notices within a fifth of a second that it hangs, and when it wakes', async () => {
    const { fleet } = await join({ instances: 2 });
    const bucket = fleet.bucket('x', { refillPerSecond: 1_000, burst: 100 }, 1);
    bucket.take(now(), 1);
    await expect.poll(() => fleet.status.reports).toBeGreaterThan(0);
    server.freeze();
    try {
      // Decisions go on meanwhile, and none takes long.
      await expect
        .poll(
          () => {
            const beganAtMs = now();
            bucket.take(now(), 1);
            expect(now() - beganAtMs).toBeLessThan(5);
            return fleet.status.degraded;
          },
          { timeout: 1_000, interval: 5 },
        )
        .toBe(true);
    } finally {
      server.thaw();
    }
    await expect.poll(() => fleet.status.degraded, { timeout: 1_500, interval: 5 }).toBe(false);
  });

  it('gives no second burst when Redis has forgotten everything', async () => {
    const { fleet } = await join();
    const bucket = fleet.bucket('x', { refillPerSecond: STILL, burst: 50 }, 1);
    expect(await giveUpTo(bucket, 50)).toBe(50);
    await expect.poll(async () => Number(await redis.hget('sluice:test:tokens:{x}', 'level'))).toBeCloseTo(0, 0);
    await redis.flushall();
    await redis.script('FLUSH');
    bucket.miss(now(), 1);
    await expect.poll(() => redis.exists('sluice:test:tokens:{x}')).toBe(1);
    expect(drain(bucket)).toBe(0);
    expect(fleet.status.degraded).toBe(false);
  });

  it('goes on with its share where Redis has no memory left', async () => {
    const full = await RedisServer.start({ settings: { maxmemory: '4mb' } });
    const filler = new Redis(full.url);
    try {
      await expect(
        (async () => {
          for (let place = 0; ; place += 1) await filler.set(`filler:${place}`, 'x'.repeat(10_000));
        })(),
      ).rejects.toThrow(/OOM/);
      const { fleet, warnings } = await join({ instances: 2 }, full.url);
      const bucket = fleet.bucket('x', { refillPerSecond: STILL, burst: 20 }, 1);
      expect(drain(bucket)).toBe(10);
      expect(warnings).toEqual([['fleet_degraded', expect.stringMatching(/OOM/)]]);
      await filler.flushall();
      await expect.poll(() => fleet.status.degraded).toBe(false);
    } finally {
      filler.disconnect();
      await full.close();
    }
  });

  it('goes to where the primary is when its server was demoted', async () => {
    const { fleet } = await join();
    const bucket = fleet.bucket('x', { refillPerSecond: 1_000, burst: 100 }, 1);
    await redis.replicaof('127.0.0.1', 1);
    try {
      bucket.take(now(), 1);
      await expect.poll(() => fleet.status.degraded, { interval: 5 }).toBe(true);
      expect(bucket.take(now(), 1)).toBe(true);
    } finally {
      await redis.replicaof('NO', 'ONE');
    }
    await expect.poll(() => fleet.status.degraded, { timeout: 2_000, interval: 5 }).toBe(false);
  });

  it.each([
    [
      'a wrong password',
      async (): Promise<[string, () => Promise<unknown>]> => {
        const locked = await RedisServer.start({ password: 'right' });
        return [`redis://:very-wrong@127.0.0.1:${locked.port}`, () => locked.close()];
      },
      /WRONGPASS|NOAUTH/,
    ],
    [
      'a server that is no Redis',
      async (): Promise<[string, () => Promise<unknown>]> => {
        const web = createServer((socket) =>
          socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
        ).listen(0, '127.0.0.1');
        await once(web, 'listening');
        const address = web.address();
        const port = typeof address === 'object' ? address?.port : 0;
        return [`redis://:very-wrong@127.0.0.1:${port}`, async () => void web.close()];
      },
      /./,
    ],
  ])('says once what is wrong with %s, and nothing secret', async (_, start, words) => {
    const [url, close] = await start();
    try {
      const { fleet, warnings } = await join({}, url);
      expect(fleet.status.degraded).toBe(true);
      await expect.poll(() => fleet.status.trouble).toMatch(words);
      fleet.bucket('x', { refillPerSecond: STILL, burst: 10 }, 1).take(now(), 1);
      expect(warnings.filter(([code]) => code === 'fleet_degraded')).toHaveLength(1);
      expect(JSON.stringify([warnings, fleet.status])).not.toContain('very-wrong');
    } finally {
      await close();
    }
  });
});
