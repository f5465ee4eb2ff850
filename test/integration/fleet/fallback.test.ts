import { createGateway, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../examples/support/free-port.js';
import { until } from '../../faults/until.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { RedisServer } from '../../support/redis-server.js';
import { LogBook } from '../http/harness.js';

// How many instances there are is what Redis says; `instances` is for the time before it has said anything.

/** 3 are for superusers, and 8 are 15 % in reserve: 40 are left. */
const MAX_CONNECTIONS = 51;

let redis: RedisServer;
let postgres: PostgresServer;
let log: LogBook;
const gateways: Gateway[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: String(MAX_CONNECTIONS) } });
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.drain({ timeoutMs: 0 })));
});
afterAll(async () => {
  await redis.close();
  await postgres.close();
});

async function start(redisUrl: string, instances?: number): Promise<Gateway> {
  log = new LogBook();
  const gateway = await createGateway(
    {
      ...(instances === undefined ? {} : { instances }),
      redisUrl,
      readinessDelayMs: 0,
      pools: { main: { url: postgres.url, max: 16 } },
      routes: {
        work: { pool: 'main', priority: 'critical', deadlineMs: 5_000, ratePerSecond: 0.001, burst: 40 },
      },
    },
    { env: {}, logger: log },
  );
  gateways.push(gateway);
  return gateway;
}

const nowhere = async (): Promise<string> => `redis://127.0.0.1:${await freePort()}`;
const sizes = (gateway: Gateway): number[] => [...gateway.telemetry().pools()].map((pool) => pool.gauges().max);
/** A busy machine may find out later what it was that did not answer. */
const codes = (): unknown[] => log.entries.map(({ code }) => code).filter((code) => code !== 'fleet_trouble');

/** How many of so many requests at once are admitted. */
async function admitted(gateway: Gateway, count: number): Promise<number> {
  const all = Array.from({ length: count }, () => gateway.run('work', () => Promise.resolve(1)));
  return (await Promise.allSettled(all)).filter(({ status }) => status === 'fulfilled').length;
}

it('counts who lives, whatever number is configured, and starts', async () => {
  // Eight of them would not fit.
  const gateway = await start(redis.url, 8);
  await until(() => sizes(gateway).join() === '16');
  expect(gateway.snapshot().fleet?.instances).toBe(1);
  expect(codes()).toEqual([]);
});

it('takes but its part while Redis has never answered, and starts', async () => {
  const gateway = await start(await nowhere(), 8);
  // An eighth of 40, of connections and of tokens.
  expect(sizes(gateway)).toEqual([5]);
  expect(await admitted(gateway, 40)).toBe(5);
  expect(codes()).toEqual(['fleet_degraded']);
});

it('says so where it can only take all for itself', async () => {
  const gateway = await start(await nowhere());
  expect(sizes(gateway)).toEqual([16]);
  expect(codes()).toEqual(['fleet_degraded', 'fleet_size_unknown']);
  const unknown = log.entries.find(({ code }) => code === 'fleet_size_unknown');
  expect(unknown?.message).toMatch(/this one takes all limits.*Set SLUICE_INSTANCES/);
});
