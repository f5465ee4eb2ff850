import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import type { Fleet } from '../../../src/fleet/fleet.js';
import { drain } from '../../support/token-fleet.js';
import { ownRedis } from './own-redis.js';
import { openFleet } from './support.js';

// An instance forgets the buckets of callers who have been away, and makes them anew when those are back.

const BURST = 20;

const own = ownRedis();
let fleet: Fleet;

beforeEach(async () => {
  ({ fleet } = await openFleet(own.server.url));
  await expect.poll(() => fleet.status.degraded).toBe(false);
});
afterEach(() => fleet.close());

const now = (): number => systemClock.nowMs();

const level = async (key: string): Promise<number> =>
  Number(await own.redis.hget(`sluice:test:tokens:{${key}}`, 'level'));

it('charges what is spent of a bucket made anew, and nothing back that was spent of the one before', async () => {
  // So slow that nothing refills meanwhile.
  const make = () => fleet.bucket('x', { refillPerSecond: 0.001, burst: BURST }, 1);
  const before = make();
  for (const left of [19, 17, 14, 10]) {
    drain(now(), before, Math.round(before.tokens(now())) - left);
    await expect.poll(() => level('x')).toBeCloseTo(left, 1);
  }
  const after = make();
  for (const left of [9, 7, 4]) {
    drain(now(), after, left === 9 ? 1 : Math.round(after.tokens(now())) - left);
    await expect.poll(() => level('x')).toBeCloseTo(left, 1);
  }
});

it('refuses no caller who keeps to his limit, however often he is forgotten', async () => {
  const taken: number[] = [];
  for (let visit = 0; visit < 3; visit += 1) {
    const bucket = fleet.bucket('search:caller:one', { refillPerSecond: BURST, burst: BURST }, 1);
    for (let part = 0; part < 4; part += 1) {
      const { reports } = fleet.status;
      taken.push(drain(now(), bucket, 4));
      await expect.poll(() => fleet.status.reports, { interval: 5 }).toBeGreaterThan(reports);
      await own.redis.ping();
    }
    // Who is full may be forgotten.
    await expect.poll(() => bucket.isFull(now())).toBe(true);
  }
  expect(taken).toEqual(taken.map(() => 4));
});
