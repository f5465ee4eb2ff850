import { ConfigError, createGateway, type Gateway, type GatewayOptions } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, LogBook, latch } from '../http/harness.js';
import { ask, until } from '../pools/pool-fixture.js';

let postgres: PostgresServer;
let gateway: Gateway;
let log: LogBook;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '40' } });
});
afterEach(() => gateway.drain({ timeoutMs: 0 }));
afterAll(() => postgres.close());

async function start(options: Pick<GatewayOptions, 'routes'> & Partial<GatewayOptions>): Promise<void> {
  log = new LogBook();
  gateway = await createGateway(
    { applicationName: 'live', maxEventLoopLagMs: 0, ...options },
    { env: {}, logger: log },
  );
}

const pool = (max: number, more = {}) => ({ main: { url: postgres.url, max, minIdle: 1, ...more } });

const sessions = async (): Promise<number> => {
  const text = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'live%'";
  return (await ask<{ n: number }>(postgres.url, text))[0]?.n ?? -1;
};

function caught(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

/** Runs that hold a connection each, until they are let go. */
function hold(count: number) {
  const held = latch();
  let running = 0;
  const runs = Array.from({ length: count }, () =>
    gateway.run('work', async (handle) => {
      await handle.transaction(async (client) => {
        await client.query('SELECT 1');
        running += 1;
        await held.promise;
        await client.query('SELECT 2');
      });
    }),
  );
  return { release: held.open, all: Promise.all(runs), running: () => running };
}

describe('the size of a pool', () => {
  it('shrinks without cutting anybody, closes its surplus, and grows again when that is undone', async () => {
    await start({ pools: pool(4), routes: { work: { pool: 'main', deadlineMs: 20_000 } } });
    const first = hold(4);
    await until(() => first.running() === 4);
    const { id } = gateway.liveChanges.set('pools.main.max', 1);
    expect(gateway.snapshot().pools[0]).toMatchObject({
      seats: { limit: 1, inFlight: 4 },
      connections: { max: 1, inUse: 4 },
    });
    first.release();
    await first.all;
    await until(async () => (await sessions()) === 1);
    const second = hold(3);
    await until(() => second.running() === 1);
    expect(gateway.snapshot().pools[0]?.seats).toMatchObject({ inFlight: 1, queuedByClass: { normal: 2 } });
    gateway.liveChanges.undo(id);
    // Those that wait get the seats that are there again.
    await until(() => second.running() === 3);
    second.release();
    await second.all;
    expect(log.entries.map(({ message }) => message)).toEqual([
      'change 1: pools.main.max was changed from 4 to 1 while running',
      'change 1 was undone: pools.main.max is 4 again',
    ]);
  });

  it.each([
    [5, /pools\.main\.max is 5: use a whole number from 1 to 4, its size at the start/],
    [0, /is 0: use a whole number/],
    [2.5, /is 2\.5: use/],
    // What the configuration would not have taken at the start: 300/s × 10 ms are three seats.
    [2, /pools\.main\.capCritical is 0\.9: work 300\/s × 10 ms is 3 seats at peak/],
  ])('is checked like the configuration: %d', async (max, message) => {
    await start({
      pools: pool(4),
      routes: { work: { pool: 'main', priority: 'critical', ratePerSecond: 300, expectedMs: 10 } },
    });
    expect(() => gateway.liveChanges.set('pools.main.max', max)).toThrow(ConfigError);
    expect(() => gateway.liveChanges.set('pools.main.max', max)).toThrow(message);
    expect(gateway.snapshot().pools[0]?.connections.max).toBe(4);
    expect(gateway.liveChanges.history()).toEqual([]);
  });

  it('is refused where the start would have refused it, with every reason', async () => {
    const said = { max: 8, headroom: 6 };
    await start({ pools: pool(8, said), routes: { work: { pool: 'main' } } });
    const refusalOf = (max: number): unknown =>
      caught(() => resolveConfig({ pools: pool(max, { ...said, max }), routes: { work: { pool: 'main' } } }, {}));
    const refusal = caught(() => gateway.liveChanges.set('pools.main.max', 5));
    expect(refusal).toBeInstanceOf(ConfigError);
    expect((refusal as ConfigError).problems.map(({ where }) => where)).toEqual(['pools.main.headroom']);
    expect(refusal).toEqual(refusalOf(5));
    // Six seats would all be headroom.
    expect(caught(() => gateway.liveChanges.set('pools.main.max', 6))).toEqual(refusalOf(6));
    expect(gateway.snapshot().pools[0]).toMatchObject({ connections: { max: 8 }, seats: { limit: 8 } });
    expect(gateway.liveChanges.set('pools.main.max', 7)).toMatchObject({ from: 8, to: 7 });
  });

  it.each([{}, { minIdle: 4, minSeats: 3 }])('may be below the floors of a larger pool: %j', async (floors) => {
    await start({ pools: { main: { url: postgres.url, max: 4, ...floors } }, routes: { work: { pool: 'main' } } });
    expect(gateway.liveChanges.set('pools.main.max', 1)).toMatchObject({ to: 1 });
  });

  it('is made whatever becomes of those who are told', async () => {
    await start({ pools: pool(4), routes: { work: { pool: 'main' } } });
    let told = 0;
    gateway.liveChanges.listen(() => {
      throw new Error('nobody to tell');
    });
    gateway.liveChanges.listen(() => {
      told += 1;
    });
    expect(gateway.liveChanges.set('pools.main.max', 3)).toMatchObject({ from: 4, to: 3 });
    expect(told).toBe(1);
  });

  it('is not taken from an admin pool', async () => {
    await start({ pools: { main: { url: postgres.url, max: 2, admin: true } }, routes: { work: { pool: 'main' } } });
    expect(() => gateway.liveChanges.set('pools.main.max', 1)).toThrow(/cannot be changed while running/);
  });
});

describe('the mode', () => {
  it('goes from enforce to observe and back, for requests to come', async () => {
    await start({ pools: pool(2), routes: { work: { pool: 'main', maxQueued: 0, deadlineMs: 20_000 } } });
    const first = hold(2);
    await until(() => first.running() === 2);
    await expect(gateway.run('work', async () => 1)).rejects.toMatchObject({ code: 'queue_full' });
    const { id } = gateway.liveChanges.set('mode', 'observe');
    expect(gateway.snapshot().mode).toBe('observe');
    // What would be refused goes on, and is counted.
    expect(await gateway.run('work', async () => 'done')).toBe('done');
    expect(gateway.snapshot().routes[0]).toMatchObject({
      shedByCode: { queue_full: 1 },
      wouldShedByCode: { queue_full: 1 },
    });
    gateway.liveChanges.undo(id);
    expect(gateway.snapshot().mode).toBe('enforce');
    await expect(gateway.run('work', async () => 1)).rejects.toMatchObject({ code: 'queue_full' });
    first.release();
    await first.all;
    expect(await gateway.run('work', (handle) => handle.query('SELECT 1').then(() => 'done'))).toBe('done');
    await until(() => busyParts(gateway).length === 0);
  });

  it('changes nothing for requests that are here', async () => {
    await start({ pools: pool(1), routes: { work: { pool: 'main', deadlineMs: 20_000 } } });
    const first = hold(1);
    await until(() => first.running() === 1);
    const queued = hold(2);
    await until(() => gateway.snapshot().pools[0]?.seats.queuedByClass.normal === 2);
    gateway.liveChanges.set('mode', 'observe');
    const observed = hold(1);
    await until(() => gateway.snapshot().pools[0]?.connections.acquiring === 1);
    expect(queued.running()).toBe(0);
    gateway.liveChanges.set('mode', 'enforce');
    for (const held of [queued, observed, first]) held.release();
    await Promise.all([first.all, queued.all, observed.all]);
    await until(() => busyParts(gateway).length === 0);
  });

  it.each([['off'], [''], [1]])('cannot be %j while running', async (mode) => {
    await start({ routes: { work: {} } });
    expect(() => gateway.liveChanges.set('mode', mode)).toThrow(/mode is .*: use enforce or observe/);
    expect(gateway.snapshot().mode).toBe('enforce');
  });

  it('stays what it is where nothing was made to enforce with', async () => {
    await start({ mode: 'observe', routes: { work: {} } });
    expect(() => gateway.liveChanges.set('mode', 'enforce')).toThrow(/cannot be changed while running/);
  });
});

describe('the rate of all routes together', () => {
  it('changes for all of them at once, and back', async () => {
    await start({
      ratePerSecond: 0.001,
      burst: 3,
      routes: { one: { priority: 'critical' }, two: { priority: 'critical' } },
    });
    const admitted = async (): Promise<number> => {
      const names = Array.from({ length: 10 }, (_, place) => (place % 2 === 0 ? 'one' : 'two'));
      const runs = names.map((name) => gateway.run(name, async () => 1).catch(() => 0));
      return (await Promise.all(runs)).reduce<number>((sum, one) => sum + one, 0);
    };
    expect(await admitted()).toBe(3);
    const { id } = gateway.liveChanges.set('ratePerSecond', 1_000_000);
    await until(async () => (await admitted()) >= 3);
    gateway.liveChanges.undo(id);
    await until(async () => (await admitted()) === 0);
    expect(gateway.liveChanges.settings()).toContainEqual(
      expect.objectContaining({ path: 'ratePerSecond', value: 0.001, changed: false }),
    );
    expect(() => gateway.liveChanges.set('burst', -1)).toThrow(/burst is -1: use /);
  });

  it('cannot be given to a gateway without one', async () => {
    await start({ routes: { work: {} } });
    expect(() => gateway.liveChanges.set('ratePerSecond', 5)).toThrow(/cannot be changed while running/);
  });
});

describe('a route', () => {
  it('has another rate from the next request on, and keeps the tokens that it had', async () => {
    await start({ routes: { work: { ratePerSecond: 0.001, burst: 2 } } });
    const admitted = async (): Promise<number> => {
      const runs = Array.from({ length: 10 }, () => gateway.run('work', async () => 1).catch(() => 0));
      return (await Promise.all(runs)).reduce<number>((sum, one) => sum + one, 0);
    };
    expect(await admitted()).toBe(2);
    gateway.liveChanges.set('routes.work.burst', 5);
    // A larger bucket is not a fuller one.
    expect(await admitted()).toBe(0);
    gateway.liveChanges.set('routes.work.ratePerSecond', 1_000_000);
    await until(async () => (await admitted()) >= 5);
  });

  it('has another rate for each caller, of those that came and of those to come', async () => {
    const perCaller = { key: () => undefined, ratePerSecond: 0.001, burst: 2 };
    await start({ routes: { work: { perCaller } } });
    const admitted = async (callerKey: string): Promise<number> => {
      const runs = Array.from({ length: 10 }, () => gateway.run('work', async () => 1, { callerKey }).catch(() => 0));
      return (await Promise.all(runs)).reduce<number>((sum, one) => sum + one, 0);
    };
    expect(await admitted('known')).toBe(2);
    const { id } = gateway.liveChanges.set('routes.work.perCaller.burst', '5');
    expect([await admitted('known'), await admitted('new')]).toEqual([0, 5]);
    const rate = gateway.liveChanges.set('routes.work.perCaller.ratePerSecond', 1_000_000);
    await until(async () => (await admitted('known')) >= 5);
    gateway.liveChanges.undo(rate.id);
    gateway.liveChanges.undo(id);
    expect(await admitted('another')).toBe(2);
    expect(() => gateway.liveChanges.set('routes.work.perCaller.burst', 0)).toThrow(/perCaller\.burst is 0: use /);
    expect(gateway.config.routes.get('work')?.perCaller?.burst).toBe(2);
  });

  it('has another concurrency limit at once', async () => {
    await start({ routes: { work: { concurrency: 1 } } });
    const held = latch();
    let running = 0;
    const runs = Array.from({ length: 3 }, () =>
      gateway.run('work', () => {
        running += 1;
        return held.promise;
      }),
    );
    await until(() => running === 1 && gateway.snapshot().routes[0]?.seats?.queued === 2);
    gateway.liveChanges.set('routes.work.concurrency', 3);
    await until(() => running === 3);
    held.open();
    await Promise.all(runs);
  });

  it('has another bound of its queue', async () => {
    await start({ routes: { work: { concurrency: 1, maxQueued: 5 } } });
    gateway.liveChanges.set('routes.work.maxQueued', 0);
    const held = latch();
    const first = gateway.run('work', () => held.promise);
    await expect(gateway.run('work', async () => 1)).rejects.toMatchObject({ code: 'queue_full' });
    held.open();
    await first;
  });

  it('is left alone while decisions are logged, which are decided again by the settings of the start', async () => {
    await start({ decisionLogRecords: 1_000, routes: { work: {} } });
    expect(() => gateway.liveChanges.set('routes.work.deadlineMs', 5)).toThrow(/decisionLogRecords to 0/);
    expect(gateway.liveChanges.settings()).toEqual([]);
    expect(gateway.liveChanges.closed).toMatch(/decisionLogRecords to 0/);
  });
});
