import type { PoolAdvice, RequestHandle } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { latch } from '../http/harness.js';
import { ask } from '../pools/pool-fixture.js';
import { BusyGateway, eventually } from './seat-tuning.js';

let postgres: PostgresServer;
let busy: BusyGateway;

beforeAll(async () => {
  const settings = { fsync: 'off', max_parallel_workers_per_gather: '0', jit: 'off' };
  postgres = await startPostgres({ settings });
  await ask(postgres.url, 'CREATE TABLE hot (id int PRIMARY KEY, n int NOT NULL) WITH (fillfactor = 10)');
  await ask(postgres.url, 'INSERT INTO hot VALUES (1, 0)');
});
afterAll(() => postgres.close());
afterEach(() => busy.close());

const advice = (): PoolAdvice | null | undefined => busy.gateway.snapshot().pools[0]?.advice;
const ended = (): number => busy.gateway.snapshot().routes[0]?.ended ?? 0;

/** What is advised after a quiet time, and then under so many callers. */
async function advised(max: number, callers: number, work: (handle: RequestHandle) => Promise<unknown>) {
  busy = await BusyGateway.open({
    pools: { main: { url: postgres.url, max, minIdle: max } },
    routes: { work: { pool: 'main', deadlineMs: 60_000 } },
  });
  await eventually(() => busy.gateway.snapshot().pools[0]?.connections.idle === max);
  busy.call('work', 1, work);
  await eventually(() => ended() >= 100);
  await busy.stop();
  const quiet = advice();
  busy.call('work', callers, work);
  await eventually(() => ended() >= 600);
  const loaded = advice();
  await busy.stop();
  return { quiet, loaded };
}

describe('the advice of a gateway at work', () => {
  it('SIZ-11: shrink where all wait for one row', async () => {
    const { quiet, loaded } = await advised(16, 32, (handle) =>
      handle.transaction(async (client) => {
        await client.query('UPDATE hot SET n = n + 1 WHERE id = 1');
        await client.query('SELECT pg_sleep(0.001)');
      }),
    );
    expect(quiet).toMatchObject({ action: 'leave' });
    expect(loaded).toMatchObject({ action: 'shrink', reason: 'database_saturated' });
    expect(loaded?.seats).toBeLessThanOrEqual(4);
  });

  it('SIZ-10: a step up where the server has nothing to do but all seats are taken', async () => {
    const { loaded } = await advised(4, 12, (handle) => handle.query('SELECT pg_sleep(0.02)'));
    expect(loaded).toMatchObject({ action: 'grow', reason: 'room_in_database', seats: 5 });
  });

  it('SIZ-10: no growth where the cores of the server are what everybody waits for', async () => {
    const { loaded } = await advised(8, 24, (handle) =>
      handle.query('SELECT sum(sqrt(n)) FROM generate_series(1, 30000) n'),
    );
    expect(['shrink', 'leave']).toContain(loaded?.action);
    expect(['database_saturated', 'database_busy']).toContain(loaded?.reason);
  });

  it('SIZ-10: no growth where a lock is what all wait for, whatever the route beside it tells', async () => {
    busy = await BusyGateway.open({
      pools: { main: { url: postgres.url, max: 4 }, other: { url: postgres.url, max: 1 } },
      routes: {
        quick: { pool: 'main', deadlineMs: 60_000 },
        // Far longer than it may wait for a seat: most of its time is to be seat time.
        locked: { pool: 'main', deadlineMs: 800 },
        holder: { pool: 'other', deadlineMs: 60_000 },
      },
    });
    const quick = (handle: RequestHandle) => handle.query('SELECT pg_sleep(0.02)');
    busy.call('quick', 1, quick);
    await eventually(() => ended() >= 60);
    await busy.stop();
    const held = latch();
    const taken = latch();
    const holder = busy.gateway.run('holder', (handle) =>
      handle.transaction(async (client) => {
        await client.query('LOCK TABLE hot IN SHARE MODE');
        taken.open();
        await held.promise;
      }),
    );
    await taken.promise;
    busy.call('quick', 6, quick);
    busy.call('locked', 4, (handle) => handle.query('UPDATE hot SET n = n + 1 WHERE id = 1'));
    await eventually(() => ended() >= 200 && (busy.gateway.snapshot().routes[1]?.ended ?? 0) >= 10);
    expect(advice()).toMatchObject({ action: 'leave', reason: 'room_unknown' });
    held.open();
    await holder;
  });
});
