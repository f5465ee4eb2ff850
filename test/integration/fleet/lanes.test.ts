import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { Fleet, FleetOptions } from '../../../src/fleet/fleet.js';
import type { Lane } from '../../../src/fleet/lane.js';
import { RedisServer } from '../../support/redis-server.js';
import { LaneHolders } from './lane-holders.js';
import { openFleet, type TestFleet } from './support.js';

let server: RedisServer;
let redis: Redis;
const open: Fleet[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  redis = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
});
beforeEach(async () => {
  await server.stop();
  await server.start();
});
afterEach(async () => {
  for (const fleet of open.splice(0)) await fleet.close();
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

const now = (): number => systemClock.nowMs();

async function join(options: Partial<FleetOptions> = {}): Promise<TestFleet> {
  const made = await openFleet(server.url, options);
  open.push(made.fleet);
  return made;
}

/** The same lane as so many instances see it, once the ledger knows all of them. */
async function lanes(instances: number, max: number, holdMs: number = 5_000): Promise<Lane[]> {
  const all: Lane[] = [];
  for (let count = 0; count < instances; count += 1) {
    const { fleet } = await join({ instances });
    all.push(fleet.lane('reports', max, holdMs));
  }
  const sees = (lane: Lane): boolean => !lane.status.degraded && lane.status.instances === instances;
  await expect.poll(() => all.every(sees)).toBe(true);
  return all;
}

async function ledger(): Promise<string[]> {
  return Object.values(await redis.hgetall('sluice:test:lanes:{reports}'));
}

describe('a lane on a real Redis', () => {
  it('lets no more in than it has places, wherever they ask', async () => {
    const holders = new LaneHolders(await lanes(3, 4));
    for (let count = 0; count < 10; count += 1) for (const place of [0, 1, 2]) holders.ask(place);
    await expect.poll(() => holders.inside).toBe(4);
    for (let count = 0; count < 26; count += 1) {
      holders.leaveAny();
      await expect.poll(() => holders.inside).toBe(4);
    }
    expect(holders.most).toBe(4);
    // Each had its turn: those who wait longest go first.
    expect(Math.min(...holders.served)).toBeGreaterThanOrEqual(6);
  });

  it('hands its only place round', async () => {
    const holders = new LaneHolders(await lanes(2, 1));
    for (let count = 0; count < 6; count += 1) for (const place of [0, 1]) holders.ask(place);
    for (let count = 0; count < 6; count += 1) {
      await expect.poll(() => holders.inside).toBe(1);
      holders.leaveAny();
    }
    expect(holders.most).toBe(1);
    expect(Math.min(...holders.served)).toBeGreaterThanOrEqual(2);
  });

  it('asks nothing of Redis for one who has left, and gives the place to the next', async () => {
    const [lane] = await lanes(1, 1);
    const holders = new LaneHolders([lane as Lane]);
    holders.ask(0);
    await expect.poll(() => holders.inside).toBe(1);
    const crowd = Array.from({ length: 300 }, () => holders.ask(0));
    const last = holders.ask(0);
    for (const waiter of crowd) lane?.withdraw(waiter);
    const beganAtMs = now();
    holders.leaveAny();
    await expect.poll(() => last.inside).toBe(true);
    expect(now() - beganAtMs).toBeLessThan(150);
    expect(holders.served).toEqual([2]);
  });

  it('asks Redis as often as its rhythm says, however many requests there are', async () => {
    const [lane] = await lanes(1, 50);
    const before = await commands();
    const beganAtMs = now();
    const holders = new LaneHolders([lane as Lane]);
    while (now() - beganAtMs < 500) {
      for (let count = 0; count < 50; count += 1) holders.ask(0);
      await new Promise((resolve) => setImmediate(resolve));
      while (holders.leaveAny()) {}
    }
    expect(holders.served[0]).toBeGreaterThan(400);
    expect((await commands()) - before).toBeLessThan(160);
  });

  it('says who has the lower bound, and lets that hold', async () => {
    const strict = await join();
    const lax = await join();
    const holders = new LaneHolders([strict.fleet.lane('reports', 2, 5_000), lax.fleet.lane('reports', 9, 5_000)]);
    await expect.poll(() => lax.warnings.map(([code]) => code)).toContain('fleet_mismatch');
    expect(lax.warnings[0]?.[1]).toMatch(/concurrent work of "reports"; the least holds: 2\. Give all/);
    for (let count = 0; count < 5; count += 1) holders.ask(1);
    await expect.poll(() => holders.inside).toBe(2);
    expect(strict.warnings).toEqual([]);
    // Every report is answered so, and it is told once.
    const reports = async (): Promise<number> => {
      const entries = (await ledger()).map((entry) => entry.split(' ').map(Number));
      return entries.find(([, , , , max]) => max === 9)?.[5] ?? 0;
    };
    const before = await reports();
    await expect.poll(reports).toBeGreaterThan(before + 3);
    expect(lax.warnings).toHaveLength(1);
  });

  it('has the places of those back who have not been heard of, also when the clock of the server was set back', async () => {
    const holders = new LaneHolders(await lanes(1, 2));
    const ahead = Date.now() + 3_600_000;
    await redis.hset('sluice:test:lanes:{reports}', 'i:ghost', `2 0 ${ahead} ${ahead} 2 1`, 'closed', ahead);
    const beganAtMs = now();
    holders.ask(0);
    await expect.poll(() => holders.inside).toBe(1);
    expect(now() - beganAtMs).toBeGreaterThan(2_500);
    expect(holders.lanes[0]?.status.instances).toBe(1);
  });

  it('takes nothing before the ledger has told what is taken elsewhere', async () => {
    const [first] = await lanes(1, 2);
    const holders = new LaneHolders([first as Lane, (await join()).fleet.lane('reports', 2, 5_000)]);
    for (let count = 0; count < 2; count += 1) holders.ask(0);
    for (let count = 0; count < 2; count += 1) holders.ask(1);
    expect(holders.inside).toBe(0);
    await expect.poll(() => holders.inside).toBe(2);
    expect(holders.most).toBe(2);
  });

  it('leaves nothing of an instance that ends', async () => {
    await lanes(1, 4);
    await open.pop()?.close();
    expect(await ledger()).toEqual([]);
  });
});

describe('a lane whose Redis fails', () => {
  it('is whole again after FLUSHALL, and lets nobody in twice for the places that are held', async () => {
    const holders = new LaneHolders(await lanes(3, 4));
    for (let count = 0; count < 4; count += 1) holders.ask(0);
    await expect.poll(() => holders.inside).toBe(4);
    await redis.flushall();
    for (const place of [1, 2]) for (let count = 0; count < 4; count += 1) holders.ask(place);
    await expect.poll(() => redis.hexists('sluice:test:lanes:{reports}', 'closed')).toBe(1);
    // Two seconds of this: everybody has reported, and the ledger is open again.
    const untilMs = now() + 2_000;
    await expect.poll(() => now() > untilMs).toBe(true);
    expect(holders.most).toBe(4);
    expect(holders.lanes.map((lane) => lane.status.degraded)).toEqual([false, false, false]);
    holders.leaveAny();
    await expect.poll(() => holders.served.slice(1).some((served) => served > 0)).toBe(true);
    expect(holders.most).toBe(4);
  });

  it('goes on with even parts when it restarts, and with all places afterwards', async () => {
    const holders = new LaneHolders(await lanes(2, 4, 1_000));
    await server.stop();
    await expect.poll(() => holders.lanes.every((lane) => lane.status.degraded)).toBe(true);
    for (let count = 0; count < 6; count += 1) for (const place of [0, 1]) holders.ask(place);
    expect(holders.served).toEqual([2, 2]);
    while (holders.leaveAny()) expect(holders.insideOf(0) <= 2 && holders.insideOf(1) <= 2).toBe(true);
    for (let count = 0; count < 6; count += 1) holders.ask(0);
    await server.start();
    await expect.poll(() => holders.lanes.some((lane) => lane.status.degraded)).toBe(false);
    await expect.poll(() => holders.insideOf(0)).toBe(4);
    expect(holders.most).toBe(4);
  });

  it('goes on within its silence', async () => {
    const holders = new LaneHolders(await lanes(2, 4, 1_000));
    server.freeze();
    // A signal takes effect some time after it was sent.
    await expect.poll(() => Promise.race([redis.ping(), delay(50)])).not.toBe('PONG');
    try {
      const beganAtMs = now();
      for (let count = 0; count < 4; count += 1) for (const place of [0, 1]) holders.ask(place);
      await expect.poll(() => holders.inside).toBe(4);
      expect(now() - beganAtMs).toBeLessThan(500);
    } finally {
      server.thaw();
    }
    await expect.poll(() => holders.lanes.some((lane) => lane.status.degraded)).toBe(false);
    expect(holders.most).toBe(4);
  });

  it('asks again what others hold where it was silent from the start', async () => {
    server.freeze();
    const both = [await join({ instances: 2 }), await join({ instances: 2 })];
    const holders = new LaneHolders(both.map(({ fleet }) => fleet.lane('reports', 4, 5_000)));
    for (let count = 0; count < 4; count += 1) for (const place of [0, 1]) holders.ask(place);
    expect(holders.served).toEqual([2, 2]);
    server.thaw();
    await expect.poll(() => holders.lanes.some((lane) => lane.status.degraded)).toBe(false);
    expect(holders.most).toBe(4);
  });

  it('leaves those their places who held all of them', async () => {
    const holders = new LaneHolders(await lanes(2, 4, 600));
    for (let count = 0; count < 4; count += 1) holders.ask(0);
    await expect.poll(() => holders.inside).toBe(4);
    // The other hears of it with its next heartbeat.
    await expect.poll(() => holders.lanes[1]?.predictedWaitMs(now(), 1_000)).toBeGreaterThan(0);
    await server.stop();
    await expect.poll(() => holders.lanes[1]?.status.degraded).toBe(true);
    for (let count = 0; count < 4; count += 1) holders.ask(1);
    expect(holders.insideOf(1)).toBe(0);
    for (let count = 0; count < 4; count += 1) holders.leaveAny();
    // No request of before can be at work any more.
    await expect.poll(() => holders.insideOf(1)).toBe(2);
    expect(holders.most).toBe(4);
  });

  it('is cut into no more parts than it has places', async () => {
    const holders = new LaneHolders(await lanes(3, 2));
    await server.stop();
    await expect.poll(() => holders.lanes.every((lane) => lane.status.degraded)).toBe(true);
    for (let count = 0; count < 3; count += 1) for (const place of [0, 1, 2]) holders.ask(place);
    expect(holders.served.toSorted()).toEqual([0, 1, 1]);
    const without = holders.lanes[holders.served.indexOf(0)];
    expect(without?.predictedWaitMs(now(), 10)).toBe(Number.POSITIVE_INFINITY);
  });

  it('says where there is no place for an instance, and what would help', async () => {
    const all: TestFleet[] = [];
    for (let count = 0; count < 3; count += 1) all.push(await join());
    const parts = all.map(({ fleet }) => fleet.lane('reports', 2, 5_000));
    await expect.poll(() => parts.every(({ status }) => status.instances === 3)).toBe(true);
    await server.stop();
    const told = (): string[] =>
      all.flatMap(({ warnings }) => warnings.filter(([code]) => code === 'fleet_lane_closed').map(([, text]) => text));
    await expect.poll(told).toHaveLength(1);
    expect(told()[0]).toMatch(/"reports" has 2 places for 3 instances: this one serves none.*at least the number/);
    // So does one that has never seen the others.
    const late = await join({ instances: 3 });
    late.fleet.lane('reports', 2, 5_000);
    expect(late.warnings.map(([code]) => code)).toContain('fleet_lane_closed');
  });
});

async function commands(): Promise<number> {
  const text = await redis.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0);
}
