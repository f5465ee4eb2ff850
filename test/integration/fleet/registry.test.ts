import { Redis } from 'ioredis';
import { createGateway, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
import { until } from '../../faults/until.js';
import { RedisServer } from '../../support/redis-server.js';
import { LogBook } from '../http/harness.js';
import { SessionCount } from './session-count.js';

// Two pools of 10 and 4 in each instance; the server has room for 40, which is less than three of them.

/** 3 are for superusers, and 8 are 15 % in reserve. */
const MAX_CONNECTIONS = 51;
const ROOM = 40;

let redis: RedisServer;
let postgres: PostgresServer;
let sessions: SessionCount;
let gateways: Gateway[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: String(MAX_CONNECTIONS) } });
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.drain({ timeoutMs: 0 })));
  await sessions.stop();
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
});
afterAll(async () => {
  await redis.close();
  await postgres.close();
});

interface Joining {
  readonly log?: LogBook;
  readonly env?: Readonly<Record<string, string>>;
}

async function join({ log = new LogBook(), env = {} }: Joining = {}): Promise<Gateway> {
  const url = postgres.url;
  const gateway = await createGateway(
    {
      applicationName: 'sluice-fleet',
      redisUrl: redis.url,
      readinessDelayMs: 0,
      pools: { main: { url, max: 10, minIdle: 10 }, side: { url, max: 4, minIdle: 4 } },
      routes: {
        work: { pool: 'main', priority: 'critical', deadlineMs: 20_000, ratePerSecond: 100_000, burst: 100_000 },
        other: { pool: 'side', priority: 'critical', deadlineMs: 20_000 },
      },
    },
    { env, logger: log },
  );
  gateways.push(gateway);
  return gateway;
}

async function end(gateway: Gateway): Promise<void> {
  gateways = gateways.filter((each) => each !== gateway);
  await gateway.drain({ timeoutMs: 5_000 });
}

const sizes = (gateway: Gateway): number[] => [...gateway.telemetry().pools()].map((pool) => pool.gauges().max);

const allHave = (...expected: number[]): boolean =>
  gateways.every((gateway) => JSON.stringify(sizes(gateway)) === JSON.stringify(expected));

it('divides the connections of the server by the instances that live: 2, 8 and 2 again, at work', async () => {
  sessions = await SessionCount.start(postgres.url, 'sluice-fleet');
  await Promise.all([join(), join()]);
  await until(() => allHave(10, 4));
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
  const crowd = (gateway: Gateway): Promise<number>[] => Array.from({ length: 15 }, () => work(gateway));
  const first = gateways.flatMap(crowd);
  const late = await Promise.all(Array.from({ length: 6 }, () => join()));
  // 40 by 8 are 5 each.
  await until(() => allHave(3, 2) && gateways.every((each) => each.readiness().ready), 15_000);
  await until(() => sessions.present === ROOM);
  for (const gateway of gateways) expect(gateway.snapshot().fleet?.instances).toBe(8);
  await Promise.all(late.map(end));
  await until(() => allHave(10, 4) && sessions.present === 28, 15_000);
  working = false;
  const done = await Promise.all(first);
  expect(Math.min(...done)).toBeGreaterThan(10);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
  expect(sessions.looks).toBeGreaterThan(20);
}, 60_000);

it('says with the sum that there is no room, and serves when there is', async () => {
  sessions = await SessionCount.start(postgres.url, 'sluice-fleet');
  const [one, other] = [await join(), await join()];
  await until(() => allHave(10, 4));
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
  const late = await Promise.all(Array.from({ length: 8 }, () => join()));
  await until(() => late.some((gateway) => !gateway.readiness().ready));
  const waiting = late.find((gateway) => !gateway.readiness().ready);
  expect(waiting?.readiness().reasons.join()).toMatch(
    /main 10 \+ side 4 = 14 connections x \d+ instances = \d+, and server "[^"]+:\d+" has 40 for them: this instance has \d until the others have given up theirs/,
  );
  finish();
  await Promise.all(busy);
  await until(() => gateways.every((gateway) => gateway.readiness().ready), 15_000);
  await expect(late[0]?.run('work', (handle) => handle.query('SELECT 1'))).resolves.toBeDefined();
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
}, 60_000);

it('names the fields in which two configurations disagree, and keeps to the stricter', async () => {
  sessions = await SessionCount.start(postgres.url, 'sluice-fleet');
  const log = new LogBook();
  await join();
  const env = { SLUICE_POOL_MAIN_MAX: '12', SLUICE_ROUTE_WORK_BURST: '50', SLUICE_ROUTE_WORK_DEADLINE_MS: '900' };
  const other = await join({ log, env });
  await until(() => allHave(10, 4));
  const [entry] = log.entries.filter(({ code }) => code === 'fleet_mismatch');
  expect(entry?.message).toBe(
    'instances of this fleet disagree: pools.main.max is 12 here and 10 elsewhere (10 holds); ' +
      'routes.work.deadlineMs is 900 here and 20000 elsewhere (each keeps its own); ' +
      'routes.work.burst is 50 here and 100000 elsewhere (50 holds). ' +
      'Give all of them the same configuration.',
  );
  expect(sizes(other)).toEqual([10, 4]);
}, 30_000);

it('goes on with what it has while Redis is away, and after it has forgotten everything', async () => {
  sessions = await SessionCount.start(postgres.url, 'sluice-fleet');
  await Promise.all([join(), join(), join()]);
  // 40 by 3 are 13 each.
  await until(() => allHave(9, 4), 15_000);
  await redis.stop();
  await until(() => gateways.every((gateway) => gateway.snapshot().fleet?.degraded === true));
  await gateways[0]?.run('work', (handle) => handle.query('SELECT 1'));
  expect(gateways.map(sizes)).toEqual([
    [9, 4],
    [9, 4],
    [9, 4],
  ]);
  await redis.start();
  await until(() => gateways.every((gateway) => gateway.snapshot().fleet?.degraded === false), 2_000);
  await join();
  await until(() => allHave(7, 3), 15_000);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
}, 60_000);

it('takes a book that cannot be read for a lost one, and gives nobody more before all have written again', async () => {
  sessions = await SessionCount.start(postgres.url, 'sluice-fleet');
  await Promise.all([join(), join(), join()]);
  await until(() => allHave(9, 4), 15_000);
  const client = new Redis(redis.url);
  await client.hset('sluice:sluice-fleet:members', { version: 'x', book: '{"members":7}' });
  await until(async () => (await client.hget('sluice:sluice-fleet:members', 'version')) !== 'x', 5_000);
  client.disconnect();
  await join();
  await until(() => allHave(7, 3), 15_000);
  expect(sessions.most).toBeLessThanOrEqual(ROOM);
}, 60_000);
