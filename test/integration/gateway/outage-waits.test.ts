import { createGateway, type Gateway, type RequestHandle } from 'sluice';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { busyParts, expectBalanced, LogBook, latch } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';
import { Tap } from '../pools/tap.js';

const RIDE_OUT_MS = 2_000;

let postgres: PostgresServer;
let tap: Tap;
let gateway: Gateway;

beforeEach(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
  tap = await Tap.before(postgres.url);
  const only = { url: tap.url, max: 3, rideOutMs: RIDE_OUT_MS };
  gateway = await createGateway(
    {
      maxEventLoopLagMs: 0,
      readinessDelayMs: 0,
      pools: { only, batch: { url: tap.url, profile: 'batch' } },
      routes: { work: { pool: 'only', deadlineMs: 60_000 }, export: { pool: 'batch', priority: 'low' } },
    },
    { env: {}, logger: new LogBook() },
  );
});
afterEach(async () => {
  await until(() => busyParts(gateway).length === 0).catch(() => expect(busyParts(gateway)).toEqual([]));
  for (const route of gateway.telemetry().routes()) expectBalanced(route.stats, route.name);
  await gateway.drain({ timeoutMs: 0 });
  await tap.close();
  await postgres.close();
});

const one = (handle: RequestHandle): Promise<unknown> => handle.query('SELECT 1');
const isDown = (name: string): boolean =>
  gateway.snapshot().pools.some((pool) => pool.name === name && pool.state === 'down');

describe('work that was admitted before an outage and asks for a connection in it', () => {
  it('ends when the outage is given up, with what is true of it, and frees its seats', async () => {
    await gateway.run('work', one);
    const gone = latch();
    let ready = 0;
    const begin = (before: (handle: RequestHandle) => Promise<unknown>) =>
      gateway.run('work', async (handle) => {
        await before(handle);
        ready += 1;
        await gone.promise;
        await one(handle);
      });
    const wrote = begin((handle) => handle.query('CREATE TABLE notes (text text)'));
    const ends = Promise.allSettled([begin(async () => undefined), begin(one), wrote]);
    await until(() => ready === 3);
    const sinceMs = performance.now();
    await tap.close();
    await until(() => isDown('only'));
    gone.open();
    const told = await ends;
    expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(RIDE_OUT_MS);
    const away = (outcome: string) => ({ status: 'rejected', reason: { code: 'database_unavailable', outcome } });
    expect(told).toMatchObject([away('not_started'), away('rolled_back'), away('unknown')]);
    expect(gateway.snapshot().pools[0]?.seats.inFlight).toBe(0);
  });

  it('ends at once when it asks after that', async () => {
    await gateway.run('work', one);
    const given = latch();
    const late = gateway.run('work', (handle) => given.promise.then(() => one(handle)));
    const first = gateway.run('work', (handle) => until(() => isDown('only')).then(() => one(handle)));
    await tap.close();
    await expect(first).rejects.toMatchObject({ code: 'database_unavailable' });
    const sinceMs = performance.now();
    given.open();
    await expect(late).rejects.toMatchObject({ code: 'database_unavailable', outcome: 'not_started' });
    expect(performance.now() - sinceMs).toBeLessThan(RIDE_OUT_MS);
  });

  it('is served where the server is back in time', async () => {
    await gateway.run('work', one);
    const served = gateway.run('work', (handle) => until(() => isDown('only')).then(() => one(handle)));
    // So long the server is away.
    tap.firstAnswerDelayMs = 100;
    tap.cut();
    expect(await served).toMatchObject({ rowCount: 1 });
  });
});

describe('the patience of a job in chunks', () => {
  const counted = (cursor = 0): number => cursor + 1;

  it('bounds the wait for a connection of a database that is away', async () => {
    const began = latch();
    const job = gateway.runInChunks<number>(
      'export',
      async (handle) => {
        began.open();
        await until(() => isDown('batch'));
        await one(handle);
        return undefined;
      },
      { patienceMs: 500 },
    );
    const ends = expect(job).rejects.toMatchObject({ cause: { code: 'database_unavailable', outcome: 'not_started' } });
    await began.promise;
    await gateway.run('export', one);
    await tap.close();
    await ends;
  });

  it('bounds the wait for a seat behind it too', async () => {
    await gateway.run('export', one);
    await tap.close();
    await until(() => isDown('batch'));
    const job = gateway.runInChunks<number>('export', one as () => Promise<undefined>, { patienceMs: 100 });
    await expect(job).rejects.toMatchObject({ cause: { code: 'database_unavailable', outcome: 'not_started' } });
  });

  it('leaves a lost connection another try, however little of it there is', async () => {
    const text = 'SELECT pg_terminate_backend(pg_backend_pid())';
    let lost = false;
    const job = gateway.runInChunks<number>(
      'work',
      async (handle, cursor) => {
        if (!lost) {
          lost = true;
          await handle.query(text);
        }
        await one(handle);
        return cursor === 1 ? undefined : counted(cursor);
      },
      { patienceMs: 900 },
    );
    expect(await job).toMatchObject({ end: 'done', repeats: 1 });
  });
});
