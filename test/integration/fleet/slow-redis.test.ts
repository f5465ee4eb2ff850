import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { RedisRelay } from '../../faults/redis-relay.js';
import { lasts, until } from '../../faults/until.js';
import { Overshoot } from '../../support/overshoot.js';
import { RedisServer } from '../../support/redis-server.js';
import { drain } from '../../support/token-fleet.js';
import { LaneHolders } from './lane-holders.js';
import { openFleet, type TestFleet } from './support.js';

// A Redis whose answers reach some instances later than anybody waits for them: those live on their share, and the
// others must not spend that as well.

const INSTANCES = 4;
const SLOW = 2;
const SLOW_MS = 300;
const RUN_MS = 2_500;

let server: RedisServer;
let redis: Redis;
const relays: RedisRelay[] = [];
const members: TestFleet[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url);
});
afterEach(async () => {
  for (const { fleet } of members.splice(0)) await fleet.close();
  for (const relay of relays.splice(0)) await relay.close();
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

async function join(): Promise<void> {
  for (let index = 0; index < INSTANCES; index += 1) {
    const relay = await RedisRelay.to(server.port);
    relays.push(relay);
    members.push(await openFleet(relay.url, { instances: INSTANCES }));
  }
}

/** From now on some instances are on their own. */
async function slow(): Promise<void> {
  for (const relay of relays.slice(0, SLOW)) relay.delayMs = SLOW_MS;
  await until(() => members.every(({ fleet }, index) => fleet.status.degraded === index < SLOW));
}

/** How many have told the ledger of the lane that they are on their own. */
async function sayThatTheyAreAway(): Promise<number> {
  const entries = Object.values(await redis.hgetall('sluice:test:lanes:{reports}'));
  return entries.filter((entry) => entry.split(' ')[6] === '1').length;
}

/** Does `work` again and again; nobody's way to Redis changes meanwhile. */
async function during(ms: number, work: () => void): Promise<void> {
  const endMs = systemClock.nowMs() + ms;
  while (systemClock.nowMs() < endMs) {
    work();
    await lasts(5);
  }
  expect(members.map(({ fleet }) => fleet.status.degraded)).toEqual(members.map((_, index) => index < SLOW));
}

it('of a rate, what they spend is not spent again by the others', async () => {
  await join();
  const [rate, burst] = [200, 40];
  const buckets = members.map(({ fleet }) => fleet.bucket('x', { refillPerSecond: rate, burst: burst }, 1));
  const over = new Overshoot(rate);
  // A bucket is in touch with its ledger from its first request on.
  for (const bucket of buckets) over.at(systemClock.nowMs(), drain(systemClock.nowMs(), bucket));
  await slow();
  await during(RUN_MS, () => {
    const nowMs = systemClock.nowMs();
    for (const bucket of buckets) over.at(nowMs, drain(nowMs, bucket));
  });
  // B + N x n, and what refills until the ledger has heard of it.
  expect(over.most).toBeLessThanOrEqual(2 * burst + (rate * 2 * SLOW_MS) / 1_000);
});

it.each([
  ['hung', () => server.freeze(), () => server.thaw()],
  // Every report is refused then, and tells nothing of what was spent.
  ['was out of memory', () => redis.config('SET', 'maxmemory', '1'), () => redis.config('SET', 'maxmemory', '0')],
])(
  'of a rate, what they spent while it %s is not charged to those who come after: all goes on at once',
  async (how, begins, ends) => {
    await join();
    const [rate, burst] = [200, 40];
    const buckets = members.map(({ fleet }) => fleet.bucket(how, { refillPerSecond: rate, burst: burst }, 1));
    const over = new Overshoot(rate);
    let total = 0;
    const ask = (): void => {
      const nowMs = systemClock.nowMs();
      for (const bucket of buckets) {
        const count = drain(nowMs, bucket, 5);
        over.at(nowMs, count);
        total += count;
      }
    };
    const goesOn = async (ms: number): Promise<void> => {
      const endMs = systemClock.nowMs() + ms;
      for (; systemClock.nowMs() < endMs; await lasts(5)) ask();
    };
    await goesOn(500);
    await begins();
    await goesOn(3_500);
    await ends();
    while (members.some(({ fleet }) => fleet.status.degraded)) await goesOn(5);
    const before = total;
    await goesOn(1_000);
    expect(total - before).toBeGreaterThan(rate / 2);
    expect(over.most).toBeLessThanOrEqual(3 * burst);
  },
);

it('of a lane, the places that they hold are not given to the others', async () => {
  await join();
  const lanes = members.map(({ fleet }) => fleet.lane('reports', 8, 60_000));
  const holders = new LaneHolders(lanes);
  await until(() => lanes.every(({ status }) => status.instances === INSTANCES));
  await slow();
  await expect.poll(sayThatTheyAreAway).toBe(SLOW);
  await during(RUN_MS, () => {
    for (const place of lanes.keys()) if (holders.insideOf(place) < 8) holders.ask(place);
    if (holders.inside >= 8) holders.leaveAny();
  });
  expect(holders.most).toBe(8);
  expect(Math.min(...holders.served)).toBeGreaterThan(1);
});
