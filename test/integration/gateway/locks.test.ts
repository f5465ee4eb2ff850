import pg from 'pg';
import { createGateway, type Diagnosis, type Gateway, type PoolOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, LogBook } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';

// Somebody outside locks a table, and all connections of a pool wait for it.

const MAX = 8;
const DEADLINE_MS = 20_000;

let postgres: PostgresServer;
let gateway: Gateway;
let clock: JumpClock;
let locker: pg.Client;

const at = (database: string, user = 'app'): string => `postgres://${user}:app@127.0.0.1:${postgres.port}/${database}`;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  for (const role of ['app', 'stranger']) await ask(postgres.url, `CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  await ask(postgres.url, "CREATE ROLE operator LOGIN PASSWORD 'app' IN ROLE pg_monitor");
  await ask(postgres.url, 'CREATE DATABASE shop OWNER app');
  await ask(at('shop'), 'CREATE TABLE orders AS SELECT 1 AS id');
});
afterAll(() => postgres.close());

beforeEach(async () => {
  clock = new JumpClock();
  locker = new pg.Client({ connectionString: at('shop') });
  await locker.connect();
});
afterEach(async () => {
  await locker.end();
  await until(() => busyParts(gateway).length === 0);
  await gateway.drain({ timeoutMs: 0 });
});

async function start(beside: Record<string, PoolOptions>, routes = ['checkout', 'search']): Promise<void> {
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { shop: { url: at('shop'), max: MAX, minIdle: MAX, breaker: false, feasibility: false }, ...beside },
      routes: {
        ...Object.fromEntries(routes.map((name) => [name, { pool: 'shop' as const, deadlineMs: DEADLINE_MS }])),
        prompt: { deadlineMs: 50 },
      },
    },
    { env: {}, logger: new LogBook(), clock, random: () => 0.5 },
  );
  await until(() => gateway.snapshot().pools.every(({ connections: { idle, max } }) => idle === max));
}

const look = (): Diagnosis | undefined => gateway.snapshot().diagnoses.find(({ pool }) => pool === 'shop');
const buy = () => gateway.run('checkout', (handle) => handle.query('SELECT id FROM orders'));

/** Until whoever comes after the jump is not taken for one who came before. */
async function jump(byMs: number): Promise<void> {
  clock.jump(byMs);
  await until(() => gateway.run('prompt', () => Promise.resolve(true)).catch(() => false));
}

/** Half a minute in which nobody waits. */
async function calm(): Promise<void> {
  for (let count = 0; count < 6; count += 1) {
    for (let request = 0; request < 25; request += 1) {
      await buy();
      if (gateway.config.routes.has('search')) await gateway.run('search', (handle) => handle.query('SELECT 1'));
    }
    await until(() => busyParts(gateway).length === 0);
    await jump(5_000);
    look();
  }
}

/** All connections wait for the lock, and as many requests for them. */
async function crowd(): Promise<{ readonly over: Promise<unknown> }> {
  const asked = Array.from({ length: 2 * MAX }, buy);
  const over = Promise.allSettled(asked);
  await until(async () => {
    const waiting = 'SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted';
    return (await ask<{ n: number }>(postgres.url, waiting))[0]?.n === MAX;
  });
  return { over };
}

/** What is said while the table is locked, look by look, until something in it is as expected. */
async function saidUntil(expected: (said: Diagnosis | undefined) => boolean): Promise<(Diagnosis | undefined)[]> {
  await locker.query('BEGIN');
  await locker.query('LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  for (let count = 0; count < 4; count += 1) {
    const { over } = await crowd();
    await jump(DEADLINE_MS + 100);
    await over;
    await until(() => busyParts(gateway).length === 0);
  }
  const { over: last } = await crowd();
  const said: (Diagnosis | undefined)[] = [];
  await until(() => {
    said.push(look());
    return expected(said.at(-1));
  }).catch(() => undefined);
  await locker.query('ROLLBACK');
  await last;
  return said;
}

const SURE = ['slow_query', 'database_saturated'];
const sure = (said: readonly (Diagnosis | undefined)[]) => said.filter((each) => SURE.includes(each?.fault ?? ''));

describe('a pool whose connections all wait for a lock', () => {
  it.each<[string, () => Record<string, PoolOptions>, string[]?]>([
    ['an admin pool', () => ({ desk: { url: at('shop'), max: 1, admin: true } })],
    ['an admin pool, and has one route', () => ({ desk: { url: at('shop'), max: 1, admin: true } }), ['checkout']],
    [
      'an admin pool of another user in another database',
      () => ({ desk: { url: at('postgres', 'operator'), max: 1, admin: true } }),
    ],
    ['an idle pool', () => ({ reports: { url: at('shop'), max: 2, minIdle: 2 } })],
  ])('is told of it by way of %s on the same server', async (_, beside, routes) => {
    await start(beside(), routes);
    await calm();
    const said = await saidUntil((each) => each?.fault === 'lock_contention');
    expect(said.at(-1)).toMatchObject({ fault: 'lock_contention', detail: expect.stringMatching(/^100 %/) });
    expect(sure(said)).toEqual([]);
  });

  it.each<[string, () => Record<string, PoolOptions>, string[]?]>([
    ['it is alone', () => ({})],
    ['it is alone, and has one route', () => ({}), ['checkout']],
    ['another pool has but one connection to spare', () => ({ reports: { url: at('shop'), max: 1, minIdle: 1 } })],
    [
      'the user of the other may not see its sessions',
      () => ({ desk: { url: at('shop', 'stranger'), max: 2, admin: true } }),
    ],
  ])('blames neither query nor server where nobody could look: %s', async (_, beside, routes) => {
    await start(beside(), routes);
    await calm();
    let looks = 0;
    const said = await saidUntil(() => {
      // Each look may read the server for the next one.
      clock.jump(20);
      looks += 1;
      return looks === 200;
    });
    expect(new Set(said.map((each) => each?.fault))).toEqual(new Set(['unclear']));
    expect(said.at(-1)?.detail).toMatch(/quiet times.*; whether that is for locks .* with "admin: true" keeps one$/);
  });
});
