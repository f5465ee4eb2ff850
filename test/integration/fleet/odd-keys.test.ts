import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RateLimit } from '../../../src/rate-limit/rate-limit.js';
import { RedisServer } from '../../support/redis-server.js';
import { openFleet } from './support.js';

// Half of a pair of UTF-16 alone, as JSON can bring it, is nothing that UTF-8 has: there each of them is U+FFFD.

const KEYS = ['\ud800', '\ud801', '\udc00', '\ufffd'];
const BURST = 10;
/** What each of them takes: other figures tell them apart in Redis. */
const COSTS = [1, 2, 3, 4];

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
  redis.on('error', () => {});
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

it('callers whose keys UTF-8 writes alike have each a bucket of their own in the fleet', async () => {
  const { fleet } = await openFleet(server.url);
  try {
    await expect.poll(() => fleet.status.degraded).toBe(false);
    const limit = new RateLimit({
      perCaller: { refillPerSecond: 0.001, burst: BURST, maxKeys: 100 },
      makeBucket: (name, rate, burst) => fleet.bucket(`search:${name}`, { refillPerSecond: rate, burst: burst }, 1),
    });
    for (const [index, key] of KEYS.entries()) {
      expect(limit.take(performance.now(), key, COSTS[index] ?? 0)).toBeUndefined();
    }
    await expect.poll(() => redis.keys('sluice:test:tokens:*')).toHaveLength(KEYS.length);
  } finally {
    // Gives back what was prepaid: what is left is what was taken.
    await fleet.close();
  }
  const levels = (await redis.keys('sluice:test:tokens:*')).map(async (name) =>
    Number(await redis.hget(name, 'level')),
  );
  const rounded = (await Promise.all(levels)).map(Math.round).toSorted((a, b) => b - a);
  expect(rounded).toEqual(COSTS.map((cost) => BURST - cost));
});
