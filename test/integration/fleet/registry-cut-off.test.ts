import type { Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../examples/support/free-port.js';
import { type FleetBook, LEASE_MS } from '../../../src/core/fleet-book.js';
import { GHOST_MS } from '../../../src/core/fleet-ghosts.js';
import { RedisRelay } from '../../faults/redis-relay.js';
import { until } from '../../faults/until.js';
import { BOOK_KEY, DividedFleet, ROOM } from './divided-fleet.js';

// One of four cannot reach Redis any more, and serves on its connections. To the others it looks like a dead one.

let fleet: DividedFleet;
let relay: RedisRelay;

beforeAll(async () => {
  fleet = await DividedFleet.start();
  relay = await RedisRelay.to(fleet.redis.port);
});
afterEach(async () => {
  relay.leadTo(fleet.redis.port);
  await fleet.reset();
});
afterAll(async () => {
  await relay.close();
  await fleet.close();
});

/** The three others, and the one behind the relay. */
async function start(): Promise<{ others: Gateway[]; far: Gateway }> {
  const others = await Promise.all([fleet.join(), fleet.join(), fleet.join()]);
  const far = await fleet.join({ redisUrl: relay.url });
  // 40 by 4 are 10 each.
  await until(() => fleet.allHave(7, 3) && fleet.sessions.present === ROOM);
  return { others, far };
}

/** It reaches Redis no more, and the others take it for dead. */
async function cutOff(far: Gateway, others: readonly Gateway[]): Promise<void> {
  relay.leadTo(await freePort());
  relay.swallow();
  await until(() => far.snapshot().fleet?.degraded === true);
  await until(() => live(others).every((each) => each === 3));
}

const live = (gateways: readonly Gateway[]): unknown[] =>
  gateways.map((gateway) => gateway.snapshot().fleet?.instances);

const book = (): Promise<FleetBook> =>
  fleet.inRedis(async (client) => JSON.parse((await client.hget(BOOK_KEY, 'book')) ?? '') as FleetBook);

/** Those of whom nothing was heard for so long that their time is over. */
const longDead = ({ clockMs, members }: FleetBook): FleetBook['members'] =>
  members.filter(({ seenMs }) => clockMs - seenMs > LEASE_MS + GHOST_MS);

/** The dead have been so for long: in their book the time is over that is theirs anyway. */
async function letTimePass(): Promise<void> {
  await fleet.inRedis(async (client) => {
    await until(async () => {
      await client.watch(BOOK_KEY);
      const text = (await client.hget(BOOK_KEY, 'book')) ?? '';
      const { members, ...rest } = JSON.parse(text) as FleetBook;
      const older = members.map((member) => {
        const dead = rest.clockMs - member.seenMs > LEASE_MS;
        return dead ? { ...member, seenMs: member.seenMs - GHOST_MS } : member;
      });
      const next = { version: 'later', book: JSON.stringify({ ...rest, members: older }) };
      // Nothing is written where an instance has written meanwhile.
      return (await client.multi().hset(BOOK_KEY, next).exec()) !== null;
    });
  });
}

/** Everybody has written so much later. */
async function heartbeats(ms: number): Promise<void> {
  const { clockMs } = await book();
  await until(async () => (await book()).clockMs > clockMs + ms);
}

it('leaves one that is cut off its connections as long as it has them, and has it back', async () => {
  const { others, far } = await start();
  await cutOff(far, others);
  await letTimePass();
  await heartbeats(LEASE_MS);
  // It serves, and nobody has taken what it has.
  await expect(far.run('work', (handle) => handle.query('SELECT 1'))).resolves.toBeDefined();
  expect([fleet.sessions.present, fleet.sessions.most]).toEqual([ROOM, ROOM]);
  expect(fleet.allHave(7, 3)).toBe(true);
  expect(longDead(await book())).toHaveLength(1);
  relay.leadTo(fleet.redis.port);
  await until(() => live([...others, far]).every((each) => each === 4));
  expect(fleet.allHave(7, 3)).toBe(true);
  expect(fleet.sessions.most).toBe(ROOM);
});

it('gives the others what it had when it has ended without having been heard again', async () => {
  const { others, far } = await start();
  await cutOff(far, others);
  await letTimePass();
  await until(async () => longDead(await book()).length === 1);
  await fleet.end(far);
  // 40 by 3 are 13 each.
  await until(() => fleet.allHave(9, 4));
  await until(async () => (await book()).members.length === 3);
  expect(fleet.sessions.most).toBe(ROOM);
});
