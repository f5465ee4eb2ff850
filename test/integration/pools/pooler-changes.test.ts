import { createGateway, type Gateway, isSluiceError, type PoolOptions, type PoolSnapshot } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock, type Timer } from '../../../src/clock.js';
import { LOOK_MS } from '../../../src/gateway/pooler-follow.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { JumpClock } from '../gateway/jump-clock.js';
import { LogBook } from '../http/harness.js';
import { ask, until } from './pool-fixture.js';

// A pooler that is changed while a gateway works through it: its size, its mode, its databases, a pause.

/** Beyond the time between two looks at a pooler. */
const LATER_MS = LOOK_MS + 1_000;
const FOREVER_MS = 1_000_000;
const SOON_MS = LOOK_MS / 10;

let server: PostgresServer;
let password: string;
let pooler: PgbouncerServer;
let clock: JumpClock;
let log: LogBook;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off', max_connections: '20' } });
  ({ password } = new URL(server.url));
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
afterAll(() => server.close());

const entry = (more: string): string[] => [`shop = host=127.0.0.1 port=${server.port} dbname=postgres ${more}`];

async function startPooler(more: string): Promise<void> {
  const users = { postgres: password };
  pooler = await startPgbouncer({ databases: entry(more), users, settings: { server_login_retry: 0.2 } });
  open.push(pooler);
}

/** Gives the entry of the pools other settings, as an operator does. */
async function change(more: string): Promise<void> {
  await pooler.rewrite({ databases: entry(more) });
  await pooler.admin('RELOAD');
}

async function start(
  options: Record<string, PoolOptions>,
  more: { instances?: number; deadlineMs?: number; clock?: Clock } = {},
): Promise<Gateway> {
  clock = new JumpClock();
  log = new LogBook();
  const url = `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop`;
  const pools = Object.entries(options).map(([name, each]) => [
    name,
    { url, poolerAdminUrl: pooler.adminUrl, minIdle: 0, ...each },
  ]);
  const routes = Object.keys(options).map((pool) => [pool, { pool, deadlineMs: more.deadlineMs ?? 120_000 }]);
  const gateway = await createGateway(
    {
      instances: more.instances ?? 1,
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: Object.fromEntries(pools),
      routes: Object.fromEntries(routes),
    },
    { env: {}, logger: log, clock: more.clock ?? clock },
  );
  open.push({ close: () => gateway.drain({ timeoutMs: 0 }) });
  return gateway;
}

function poolOf(gateway: Gateway, name = 'main'): PoolSnapshot {
  const pool = gateway.snapshot().pools.find((each) => each.name === name);
  if (pool === undefined) throw new Error(`no pool "${name}"`);
  return pool;
}

const sizeOf = (gateway: Gateway, name = 'main'): number => poolOf(gateway, name).connections.max;

/** The machine's clock, with another time between two looks at a pooler. */
function lookingAfter(lookMs: number): Clock {
  const after = (ms: number, run: () => void): Timer => systemClock.after(ms === LOOK_MS ? lookMs : ms, run);
  return { ...systemClock, after };
}

/** Has the pooler looked at until that shows: a jump may also cut a look short that is under way. */
async function looked(shows: () => boolean): Promise<void> {
  for (let looks = 0; looks < 10 && !shows(); looks += 1) {
    clock.jump(LATER_MS);
    await until(shows, 1_500).catch(() => undefined);
  }
  expect(shows()).toBe(true);
}

describe('the size of a pooler', () => {
  /** So many requests at once, each after the other, until they are told to stop. */
  function load(gateway: Gateway, callers: number): { stop(): Promise<void>; served(): number } {
    let over = false;
    let served = 0;
    const calls = Array.from({ length: callers }, async () => {
      while (!over) {
        try {
          await gateway.run('main', (handle) => handle.query('SELECT pg_sleep(0.005)'));
          served += 1;
        } catch (error) {
          // On a machine that is slow at this instant the queue may be full; nothing else may fail.
          if (!isSluiceError(error) || error.code !== 'queue_full') throw error;
        }
      }
    });
    return {
      stop: async () => {
        over = true;
        await Promise.all(calls);
      },
      served: () => served,
    };
  }

  /** Most connections of the server that the pool wanted at once, of those it had and those it waited for. */
  async function mostWanted(while_: () => boolean): Promise<number> {
    let most = 0;
    while (while_()) {
      const row = (await pooler.admin('SHOW POOLS')).find(({ database }) => database === 'shop');
      most = Math.max(most, Number(row?.cl_active) + Number(row?.cl_waiting));
    }
    return most;
  }

  it('F35: made smaller under load, is kept to, and nothing is cut; made larger, all come back', async () => {
    await startPooler('pool_size=8');
    // Jumps of the clock would end what is under way.
    const gateway = await start({ main: { max: 8 } }, { clock: lookingAfter(SOON_MS) });
    const work = load(gateway, 16);
    await until(() => poolOf(gateway).connections.inUse === 8);

    await change('pool_size=3');
    await until(() => sizeOf(gateway) === 3);
    expect(poolOf(gateway).seats.limit).toBe(3);
    await until(() => poolOf(gateway).connections.total <= 3);
    const from = work.served();
    const sampled = await mostWanted(() => work.served() - from < 300);
    expect(sampled).toBeLessThanOrEqual(3);

    await change('pool_size=6');
    await until(() => sizeOf(gateway) === 6);
    await until(() => poolOf(gateway).connections.inUse === 6);
    // There may be more than the pools are set to.
    await change('pool_size=50');
    await until(() => sizeOf(gateway) === 8);
    await until(() => poolOf(gateway).connections.inUse === 8);
    // Rejects if any request has failed on the way.
    await work.stop();
    expect(log.of('pooler_size_changed')).toEqual([
      `pool "main": the pooler "127.0.0.1:${pooler.port}" has 3 connections now: from here on main 3 of 8 are used. ` +
        'Raise pool_size of the pooler to 8 to have all of them',
      expect.stringContaining('has 6 connections now: from here on main 6 of 8 are used. Raise'),
      expect.stringMatching(/has 50 connections now: from here on main 8 of 8 are used$/),
    ]);
  });

  it('is divided among the pools that share it and among the instances, each keeping one at least', async () => {
    await startPooler('pool_size=20');
    const gateway = await start({ main: { max: 6 }, other: { max: 2, poolerAdminUrl: undefined } }, { instances: 2 });
    await change('pool_size=10');
    await looked(() => sizeOf(gateway) !== 6);
    expect([sizeOf(gateway), sizeOf(gateway, 'other')]).toEqual([4, 1]);
    await change('pool_size=2');
    await looked(() => sizeOf(gateway) !== 4);
    expect([sizeOf(gateway), sizeOf(gateway, 'other')]).toEqual([1, 1]);
    expect(log.of('pooler_size_changed').at(-1)).toMatch(
      /^pools "main" and "other": .* has 2 connections now, for 2 instances: .* main 1 of 6, other 1 of 2 are used; that is less than one for each.* to 16 to have/,
    );
  });

  it('gives back no more than an operator has left the pool', async () => {
    await startPooler('pool_size=8');
    const gateway = await start({ main: { max: 8 } });
    gateway.liveChanges.set('pools.main.max', 5);
    await change('pool_size=2');
    await looked(() => sizeOf(gateway) === 2);
    await change('pool_size=8');
    await looked(() => log.of('pooler_size_changed').length === 2);
    expect(sizeOf(gateway)).toBe(5);
    await change('pool_size=4');
    await looked(() => sizeOf(gateway) === 4);
    // More than there is: taken back at the next look.
    gateway.liveChanges.set('pools.main.max', 7);
    await looked(() => sizeOf(gateway) === 4);
  });

  it('of a restarted pooler with another file is kept to as soon as the pool is connected again', async () => {
    await startPooler('pool_size=8');
    // Of its own accord it is not looked at.
    const gateway = await start({ main: { max: 8, minIdle: 2 } }, { clock: lookingAfter(FOREVER_MS) });
    await pooler.rewrite({ databases: entry('pool_size=2') });
    await pooler.stop('orderly');
    await until(() => poolOf(gateway).state === 'down');
    await pooler.start();
    await until(() => sizeOf(gateway) === 2);
    await gateway.run('main', (handle) => handle.query('SELECT 1'));
  });

  it('that the configuration tells is not followed, and one that is less now is told once', async () => {
    await startPooler('pool_size=8');
    const gateway = await start({ main: { max: 4, poolerSize: 8 } });
    // Less than what is told, and enough all the same.
    await change('pool_size=5 pool_mode=session');
    await looked(() => log.of('pooler_session_mode').length > 0);
    expect(log.of('pooler_size_differs')).toEqual([]);
    await change('pool_size=2');
    await looked(() => log.of('pooler_size_differs').length > 0);
    // Shows that another look was taken.
    await change('pool_size=2 pool_mode=session');
    await looked(() => log.of('pooler_session_mode').length > 1);
    expect(log.of('pooler_size_differs')).toEqual([
      expect.stringMatching(/^pool "main": poolerSize is 8, and the pooler .* has only 2 connections now; raise/),
    ]);
    expect(sizeOf(gateway)).toBe(4);
  });

  it('that was too small when the pooler came is the reason not to be ready, until it is larger', async () => {
    await startPooler('pool_size=2');
    await pooler.stop('orderly');
    const gateway = await start({ main: { max: 4 } });
    await pooler.start();
    await until(() => log.of('over_budget').length > 0);
    expect(gateway.readiness().reasons.join()).toContain('has 2 for them');
    await looked(() => sizeOf(gateway) === 2);
    await change('pool_size=4');
    await looked(() => gateway.readiness().ready);
    expect(sizeOf(gateway)).toBe(4);
  });

  it('counts at its server beside pools that go past it', async () => {
    await startPooler('pool_size=4');
    await start({ main: { max: 4 }, direct: { url: server.url, poolerAdminUrl: undefined, max: 4 } });
    expect(log.of('over_budget')).toEqual([]);
    await change('pool_size=15');
    await looked(() => log.of('over_budget').length > 0);
    expect(log.of('over_budget').join()).toContain('15 of the pooler of "main"');
  });
});

describe('the mode of a pooler', () => {
  const codes = (): unknown[] => log.entries.map(({ code }) => code);

  it('that becomes session or statement is told once each time', async () => {
    await startPooler('pool_size=8');
    const gateway = await start({ main: { max: 2 }, other: { max: 2 } });
    await change('pool_size=8 pool_mode=session');
    await looked(() => codes().length > 0);
    // Nothing is told of a mode that fits.
    await change('pool_size=3');
    await looked(() => codes().length > 1);
    await change('pool_size=3 pool_mode=session');
    await looked(() => codes().length > 2);
    await change('pool_size=3 pool_mode=statement');
    await looked(() => codes().length > 3);
    // The pool meets it as well, and says no more.
    await expect(gateway.run('main', (handle) => handle.transaction((tx) => tx.query('SELECT 1')))).rejects.toThrow();
    expect(codes()).toEqual([
      'pooler_session_mode',
      'pooler_size_changed',
      'pooler_session_mode',
      'pooler_statement_mode',
    ]);
    expect(log.of('pooler_session_mode')[0]).toMatch(
      /^pools "main" and "other" go through a pooler in session mode, .*: set pool_mode = transaction/,
    );
  });

  it('that was session at the start is not told again', async () => {
    await startPooler('pool_size=8 pool_mode=session');
    await start({ main: { max: 2 } });
    await change('pool_size=1 pool_mode=session');
    await looked(() => log.of('pooler_size_changed').length > 0);
    expect(log.of('pooler_session_mode')).toHaveLength(1);
  });
});

it('a database that is disabled in the pooler is told as that, and how to enable it', async () => {
  await startPooler('pool_size=8');
  await pooler.admin('DISABLE shop');
  const gateway = await start({ main: { max: 2 } });
  await until(() => log.of('pooler_database_disabled').length > 0);
  expect(log.of('pooler_database_disabled').join()).toMatch(
    /^pool "main": the pooler lets no new connection .* with ENABLE and the name of the database, .*"shop" is disabled/,
  );
  expect(log.of('database_unknown')).toEqual([]);
  await pooler.admin('ENABLE shop');
  await until(() => poolOf(gateway).state === 'up');
  await gateway.run('main', (handle) => handle.query('SELECT 1'));
});

it('a pause that outlasts a deadline is told as what it may be, and ends with RESUME', async () => {
  await startPooler('pool_size=8');
  const gateway = await start({ main: { max: 2 } }, { deadlineMs: 300 });
  await pooler.admin('PAUSE shop');
  await expect(gateway.run('main', (handle) => handle.query('SELECT 1'))).rejects.toMatchObject({
    code: 'deadline_expired',
  });
  await until(() => log.of('pooler_session_stuck').length > 0);
  expect(log.of('pooler_session_stuck').join()).toMatch(/RESUME what is paused; .*cl_waiting/);
  expect(log.of('database_session_stuck')).toEqual([]);
  await pooler.admin('RESUME shop');
  const served = (): Promise<boolean> =>
    gateway
      .run('main', (handle) => handle.query('SELECT 1'))
      .then(
        () => true,
        () => false,
      );
  await until(served);
  expect(
    await ask(
      server.url,
      "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    ),
  ).toEqual([]);
});

it('a drain during a pause does not wait for the places of the sessions that are stuck in the pooler', async () => {
  await startPooler('pool_size=8');
  const gateway = await start({ main: { max: 2 } }, { deadlineMs: 300 });
  await pooler.admin('PAUSE shop');
  await expect(gateway.run('main', (handle) => handle.query('SELECT 1'))).rejects.toMatchObject({
    code: 'deadline_expired',
  });
  await until(() => log.of('pooler_session_stuck').length > 0);
  const from = performance.now();
  await gateway.drain();
  // A place is kept for ten seconds otherwise.
  expect(performance.now() - from).toBeLessThan(5_000);
  await pooler.admin('RESUME shop');
});

describe('a pooler that the configuration denies', () => {
  it('is told of, once', async () => {
    const users = { postgres: password };
    const settings = { ignore_startup_parameters: 'lock_timeout,client_connection_check_interval' };
    pooler = await startPgbouncer({ databases: entry(''), users, settings });
    open.push(pooler);
    const denied: PoolOptions = { poolerAdminUrl: undefined, max: 2, minIdle: 2 };
    const gateway = await start({ main: { ...denied, pooler: 'none' }, found: denied });
    await until(() => poolOf(gateway).connections.total === 2);
    expect(log.of('pooler_denied')).toEqual([expect.stringMatching(/^pool "main": its url leads through a pooler,/)]);
  });
});
