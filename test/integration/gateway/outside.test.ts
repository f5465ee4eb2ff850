import { createGateway, type Gateway, type RequestHandle } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, type Latch, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';
import { JumpClock } from './jump-clock.js';

describe('what a handler does elsewhere, of which nobody here hears,', () => {
  let postgres: PostgresServer;
  let gateway: Gateway;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
    gateway = await createGateway(
      {
        maxEventLoopLagMs: 0,
        readinessDelayMs: 0,
        pools: { main: { url: postgres.url, max: 2 } },
        routes: { bare: { concurrency: 1, deadlineMs: 200 }, shop: { pool: 'main', deadlineMs: 200 } },
      },
      { env: {}, logger: new LogBook() },
    );
  });
  afterAll(async () => {
    await gateway.drain({ timeoutMs: 0 });
    await postgres.close();
  });

  const never = () => new Promise<never>(() => undefined);

  it.each<[string, 'bare' | 'shop', (handle: RequestHandle) => Promise<unknown>, string]>([
    ['on a route without a pool', 'bare', never, 'unknown'],
    ['in outside()', 'shop', (handle) => handle.outside(async () => 'paid').then(never), 'unknown'],
    [
      'in outside(), and then nothing but reads',
      'shop',
      async (handle) => {
        await handle.outside(async () => 'paid');
        return handle.query('SELECT pg_sleep(5)');
      },
      'unknown',
    ],
    [
      'in outside(), after a statement',
      'shop',
      async (handle) => {
        await handle.query('SELECT 1');
        return handle.outside(async () => 'paid').then(never);
      },
      'unknown',
    ],
    ['nowhere, as far as is said', 'shop', never, 'not_started'],
    ['nowhere, but it reads', 'shop', (handle) => handle.query('SELECT pg_sleep(5)'), 'rolled_back'],
  ])('%s', async (_, route, work, outcome) => {
    await expect(gateway.run(route, work)).rejects.toMatchObject({ code: 'deadline_expired', outcome });
  });
});

describe('a connection that was given back, and that its pool still tidies,', () => {
  let postgres: PostgresServer;
  let gateway: Gateway;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
    gateway = await createGateway(
      {
        maxEventLoopLagMs: 0,
        readinessDelayMs: 0,
        pools: { main: { url: postgres.url, max: 2 } },
        routes: { shop: { pool: 'main', deadlineMs: 60_000 } },
      },
      { env: {}, logger: new LogBook() },
    );
  });
  afterAll(async () => {
    await gateway.drain({ timeoutMs: 0 });
    await postgres.close();
  });

  const failed = (handle: RequestHandle) =>
    handle.transaction((client) => client.query('SELECT 1 / 0')).catch(() => undefined);
  const leftOpen = async (handle: RequestHandle) => {
    const client = await handle.connect();
    await client.query('BEGIN');
    client.release();
  };
  it.each<[string, (handle: RequestHandle) => Promise<unknown>]>([
    ['after a transaction that failed', failed],
    ['after one that was left open', leftOpen],
    ['after a statement that set something', (handle) => handle.query("SET application_name = 'x'")],
  ])('%s, keeps nobody from going elsewhere: the seat is given up once it is ready', async (_, before) => {
    const seats = await gateway.run('shop', async (handle) => {
      await before(handle);
      return handle.outside(async () => handle.seats);
    });
    expect(seats).toBe(0);
  });

  it('but one that is still in hand does', async () => {
    const run = gateway.run('shop', async (handle) => {
      const client = await handle.connect();
      await failed(handle);
      return handle.outside(async () => 'paid').finally(() => client.release());
    });
    await expect(run).rejects.toThrow(/every connection of the request to be given back first/);
  });

  it('goes elsewhere once, where it is asked to twice', async () => {
    const errand = latch();
    await gateway.run('shop', async (handle) => {
      await failed(handle);
      const first = handle.outside(() => errand.promise);
      await expect(handle.outside(async () => 'paid')).rejects.toThrow(/holds its seat/);
      errand.open();
      await first;
      expect(handle.seats).toBe(1);
    });
  });
});

describe('a request that gave its seat up and does not get another', () => {
  let clock: JumpClock;
  let gateway: Gateway;
  let errand: Latch;
  const gate = () => gateway.entry('narrow').runtime.gate;
  const stats = () => gateway.entry('narrow').runtime.stats;

  beforeEach(async () => {
    clock = new JumpClock();
    errand = latch();
    gateway = await createGateway(
      { maxEventLoopLagMs: 0, readinessDelayMs: 0, routes: { narrow: { concurrency: 1, deadlineMs: 60_000 } } },
      { env: {}, logger: new LogBook(), clock },
    );
  });
  afterEach(async () => {
    expect(busyParts(gateway)).toEqual([]);
    expectBalanced(stats(), 'narrow');
    await gateway.drain({ timeoutMs: 0 });
  });

  it('because the server behind it stays away: told so, and counted once', async () => {
    let signal: AbortSignal | undefined;
    const run = gateway.run('narrow', (handle) => {
      signal = handle.signal;
      return handle.outside(() => errand.promise);
    });
    const outcome = expect(run).rejects.toMatchObject({ code: 'database_unavailable', outcome: 'unknown' });
    gate()?.down(clock.nowMs());
    errand.open();
    await until(() => gate()?.bulkhead.queued === 1);
    clock.jump(2_001);
    await outcome;
    expect(signal?.reason).toMatchObject({ code: 'database_unavailable' });
    expect(stats().outcomes).toMatchObject({ failed: 1 });
    expect(stats().errorsByCode.database_unavailable).toBe(1);
    gate()?.up(clock.nowMs());
    expect(await gateway.run('narrow', async () => 'next')).toBe('next');
  });

  it('before its deadline: 504, whether the queue or the timer sees it first', async () => {
    const hold = latch();
    const run = gateway.run('narrow', (handle) => handle.outside(() => errand.promise));
    const outcome = expect(run).rejects.toMatchObject({ code: 'deadline_expired', status: 504 });
    const holder = gateway.run('narrow', () => hold.promise).catch(() => undefined);
    errand.open();
    await until(() => gate()?.bulkhead.queued === 1);
    clock.jump(60_000);
    hold.open();
    await outcome;
    await holder;
    expect(stats().outcomes.expired).toBeGreaterThanOrEqual(1);
  });

  it('because the process ends', async () => {
    const hold = latch();
    const run = gateway.run('narrow', (handle) => handle.outside(() => errand.promise));
    const outcome = expect(run).rejects.toMatchObject({ code: 'draining' });
    const holder = gateway.run('narrow', () => hold.promise);
    errand.open();
    await until(() => gate()?.bulkhead.queued === 1);
    const drained = gateway.drain({ timeoutMs: 1 });
    await outcome;
    hold.open();
    await Promise.all([drained, holder]);
  });
});

describe('after work that may have taken effect', () => {
  let postgres: PostgresServer;
  let gateway: Gateway;
  const clock = new JumpClock();

  beforeEach(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
    await ask(postgres.url, 'CREATE TABLE notes (text text)');
    gateway = await createGateway(
      { maxEventLoopLagMs: 0, pools: { main: { url: postgres.url, max: 1 } }, routes: { work: { pool: 'main' } } },
      { env: {}, logger: new LogBook(), clock },
    );
  });
  afterEach(async () => {
    await gateway.drain({ timeoutMs: 0 });
    await postgres.close();
  });

  it('a lost seat is 504 unknown, and a query without a seat is refused', async () => {
    const errand = latch();
    const away = latch<unknown>();
    const run = gateway.run('work', async (handle) => {
      await handle.query("INSERT INTO notes VALUES ('done')");
      await handle.outside(async () => {
        away.open(await handle.query('SELECT 1').catch((error: Error) => error.message));
        await errand.promise;
      });
    });
    const outcome = expect(run).rejects.toMatchObject({
      code: 'database_unavailable',
      status: 504,
      outcome: 'unknown',
    });
    expect(await away.promise).toMatch(/holds no seat/);
    const { gate } = gateway.entry('work').runtime;
    gate?.down(clock.nowMs());
    errand.open();
    await until(() => gate?.bulkhead.queued === 1);
    clock.jump(2_001);
    await outcome;
    gate?.up(clock.nowMs());
    await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  });
});
