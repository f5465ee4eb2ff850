import type { Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../../faults/until.js';
import { LogBook } from '../http/harness.js';
import { BOOK_KEY, DividedFleet, ROOM, sizes } from './divided-fleet.js';

let fleet: DividedFleet;

beforeAll(async () => {
  fleet = await DividedFleet.start();
});
afterEach(() => fleet.reset());
afterAll(() => fleet.close());

it('divides the connections of the server by the instances that live: 2, 8 and 2 again, at work', async () => {
  await Promise.all([fleet.join(), fleet.join()]);
  await until(() => fleet.allHave(10, 4));
  let working = true;
  const work = async (gateway: Gateway): Promise<number> => {
    let done = 0;
    while (working && !gateway.draining) {
      // Nobody is cut: each of them rejects if it is.
      await gateway.run('work', (handle) => handle.query('SELECT pg_sleep(0.02)'));
      done += 1;
    }
    return done;
  };
  const crowd = (gateway: Gateway): Promise<number>[] => Array.from({ length: 6 }, () => work(gateway));
  const first = fleet.gateways.flatMap(crowd);
  const late = await Promise.all(Array.from({ length: 6 }, () => fleet.join()));
  // 40 by 8 are 5 each.
  await until(() => fleet.allHave(3, 2) && fleet.gateways.every((each) => each.readiness().ready));
  await until(() => fleet.sessions.present === ROOM);
  for (const gateway of fleet.gateways) expect(gateway.snapshot().fleet?.instances).toBe(8);
  await Promise.all(late.map((gateway) => fleet.end(gateway)));
  await until(() => fleet.allHave(10, 4) && fleet.sessions.present === 28);
  working = false;
  const done = await Promise.all(first);
  expect(Math.min(...done)).toBeGreaterThan(10);
  expect(fleet.sessions.most).toBeLessThanOrEqual(ROOM);
  expect(fleet.sessions.looks).toBeGreaterThan(20);
});

it('says with the sum that there is no room, and serves when there is', async () => {
  const [one, other] = [await fleet.join(), await fleet.join()];
  await until(() => fleet.allHave(10, 4));
  // All of both are at work, and there is room for 40 only.
  let finish = (): void => undefined;
  const end = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const busy = [one, other].flatMap((gateway) =>
    Array.from({ length: 14 }, (_, n) =>
      gateway.run(n < 10 ? 'work' : 'other', async (handle) => {
        const connection = await handle.connect();
        await connection.query('SELECT 1');
        await end;
        connection.release();
      }),
    ),
  );
  const late = await Promise.all(Array.from({ length: 8 }, () => fleet.join()));
  await until(() => late.some((gateway) => !gateway.readiness().ready));
  const waiting = late.find((gateway) => !gateway.readiness().ready);
  expect(waiting?.readiness().reasons.join()).toMatch(
    /main 10 \+ side 4 = 14 connections x \d+ instances = \d+, and server "[^"]+:\d+" has 40 for them: this instance has \d until the others have given up theirs/,
  );
  finish();
  await Promise.all(busy);
  await until(() => fleet.gateways.every((gateway) => gateway.readiness().ready));
  await expect(late[0]?.run('work', (handle) => handle.query('SELECT 1'))).resolves.toBeDefined();
  expect(fleet.sessions.most).toBeLessThanOrEqual(ROOM);
});

it('names the fields in which two configurations disagree, and keeps to the stricter', async () => {
  const log = new LogBook();
  await fleet.join();
  const env = { SLUICE_POOL_MAIN_MAX: '12', SLUICE_ROUTE_WORK_BURST: '50', SLUICE_ROUTE_WORK_DEADLINE_MS: '900' };
  const other = await fleet.join({ log, env });
  await until(() => fleet.allHave(10, 4));
  const [entry] = log.entries.filter(({ code }) => code === 'fleet_mismatch');
  expect(entry?.message).toBe(
    'instances of this fleet disagree: pools.main.max is 12 here and 10 elsewhere (10 holds); ' +
      'routes.work.deadlineMs is 900 here and 20000 elsewhere (each keeps its own); ' +
      'routes.work.burst is 50 here and 100000 elsewhere (50 holds). ' +
      'Give all of them the same configuration.',
  );
  expect(sizes(other)).toEqual([10, 4]);
});

it('goes on with what it has while Redis is away, and after it has forgotten everything', async () => {
  await Promise.all([fleet.join(), fleet.join(), fleet.join()]);
  // 40 by 3 are 13 each.
  await until(() => fleet.allHave(9, 4));
  await fleet.redis.stop();
  await until(() => fleet.gateways.every((gateway) => gateway.snapshot().fleet?.degraded === true));
  await fleet.gateways[0]?.run('work', (handle) => handle.query('SELECT 1'));
  expect(fleet.gateways.map(sizes)).toEqual([
    [9, 4],
    [9, 4],
    [9, 4],
  ]);
  await fleet.redis.start();
  await until(() => fleet.gateways.every((gateway) => gateway.snapshot().fleet?.degraded === false), 2_000);
  await fleet.join();
  await until(() => fleet.allHave(7, 3));
  expect(fleet.sessions.most).toBeLessThanOrEqual(ROOM);
});

it('takes a book that cannot be read for a lost one, and gives nobody more before all have written again', async () => {
  await Promise.all([fleet.join(), fleet.join(), fleet.join()]);
  await until(() => fleet.allHave(9, 4));
  await fleet.inRedis(async (client) => {
    await client.hset(BOOK_KEY, { version: 'x', book: '{"members":7}' });
    await until(async () => (await client.hget(BOOK_KEY, 'version')) !== 'x', 5_000);
  });
  await fleet.join();
  await until(() => fleet.allHave(7, 3));
  expect(fleet.sessions.most).toBeLessThanOrEqual(ROOM);
});
