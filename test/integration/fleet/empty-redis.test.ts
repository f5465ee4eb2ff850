import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { MemberReport } from '../../../src/core/fleet-book.js';
import type { Fleet } from '../../../src/fleet/fleet.js';
import { until } from '../../faults/until.js';
import { RedisServer } from '../../support/redis-server.js';
import { openFleet } from './support.js';

// A Redis that comes back without what it knew. Each instance here opens at once what it may, and says so.

const ROOM = 40;
const WISH = 20;

let redis: RedisServer;
const members: Member[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all(members.splice(0).map(({ fleet }) => fleet.close()));
});
afterAll(() => redis.close());

/** An instance that keeps to what it is told, and remembers it. */
interface Member {
  readonly fleet: Fleet;
  ceiling: number;
  /** Replies that were heard. */
  heard: number;
  /** The least number of instances by which it divided after a reply. */
  leastLive: number;
}

async function join(instances: number): Promise<Member> {
  const { fleet } = await openFleet(redis.url, { instances });
  const member: Member = { fleet, ceiling: 0, heard: 0, leastLive: Number.POSITIVE_INFINITY };
  const report = (): Pick<MemberReport, 'fields' | 'needs'> => {
    const { ceiling } = member;
    return {
      fields: '',
      needs: [{ server: 'db', wish: WISH, least: 1, held: ceiling, open: ceiling, room: ROOM }],
    };
  };
  await fleet.heartbeat.start({
    report,
    hear: ({ shares }) => {
      member.ceiling = shares[0]?.granted ?? 0;
      member.heard += 1;
      member.leastLive = Math.min(member.leastLive, fleet.heartbeat.live);
      return false;
    },
  });
  members.push(member);
  return member;
}

const live = (): number[] => members.map(({ fleet }) => fleet.status.instances);
const taken = (): number => members.reduce((sum, { ceiling }) => sum + ceiling, 0);

it('is not believed that there are fewer instances before all of them can have told it that they live', async () => {
  for (let count = 0; count < 4; count += 1) await join(1);
  await until(() => live().join() === '4,4,4,4');
  for (let round = 0; round < 3; round += 1) {
    await redis.stop();
    await until(() => members.every(({ fleet }) => fleet.status.degraded));
    for (const member of members) Object.assign(member, { heard: 0, leastLive: Number.POSITIVE_INFINITY });
    await redis.start();
    await until(() => members.some(({ heard }) => heard > 0));
    // It ends again before everybody was there.
    await redis.stop();
    expect(live()).toEqual([4, 4, 4, 4]);
    for (const { leastLive } of members) expect(leastLive).toBeGreaterThanOrEqual(4);
  }
  await redis.start();
  await Promise.all(members.splice(0, 2).map(({ fleet }) => fleet.close()));
  await until(() => live().join() === '2,2');
});

it('gives nothing to a newcomer that writes first, while the others hold all', async () => {
  await Promise.all([join(1), join(1)]);
  await until(() => taken() === ROOM);
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  const late = await join(3);
  expect(late.ceiling).toBe(0);
  let most = 0;
  await until(() => {
    most = Math.max(most, taken());
    return members.every(({ ceiling }) => ceiling === 13);
  });
  expect(most).toBeLessThanOrEqual(ROOM);
});
