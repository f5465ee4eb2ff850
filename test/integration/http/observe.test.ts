import type { Request, Response } from 'express';
import { type PoolOptions, type RouteOptions, SluiceError } from 'sluice';
import { problem, protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/telemetry/metrics.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterEach(async () => {
  await bench.atRest();
  expect(bench.unexpected).toEqual([]);
  await bench.close();
});
afterAll(() => postgres.close());

/** One route on one pool; `act` is its handler. */
async function open(
  mode: 'enforce' | 'observe' | 'off',
  pool: Omit<PoolOptions, 'url'> = {},
  route: RouteOptions = {},
): Promise<void> {
  bench = await serve(
    {
      url: postgres.url,
      gateway: { mode },
      pools: { main: { max: 1, ...pool } },
      routes: { work: { pool: 'main', ...route } },
    },
    (app, gateway) => {
      app.get(
        '/work',
        protect(gateway, 'work', {}, (req, res) => act(req, res)),
      );
    },
  );
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const seats = (): number => bench.gateway.entry('work').runtime.gate?.bulkhead.inFlight ?? -1;
const told = async (): Promise<unknown> => {
  const { status, headers } = await bench.request.get('/work');
  return [status, headers['sluice-observe']];
};

describe('the header', () => {
  it('tells of a seat, of a place in the queue and of a refusal, while everybody is served at once', async () => {
    await open('observe', {}, { maxQueued: 1, deadlineMs: 20_000 });
    const hold = latch();
    act = async (_req, res) => {
      await hold.promise;
      res.json({});
    };
    const first = told();
    await until(() => seats() === 1);
    act = (_req, res) => res.json({});
    expect(await told()).toEqual([200, 'queued; predicted-wait=0']);
    expect(await told()).toEqual([200, 'shed; code=queue_full']);
    hold.open();
    expect(await first).toEqual([200, 'admit']);
    expect(bench.stats('work')).toMatchObject({ admitted: 3, shed: 0, queued: 0 });
  });

  it('tells how long a request would have waited that has its seat when its answer begins', async () => {
    await open('observe', {}, { deadlineMs: 20_000 });
    const holds = [latch(), latch()] as const;
    let next = 0;
    act = async (_req, res) => {
      await holds[next++ === 0 ? 0 : 1].promise;
      res.json({});
    };
    const first = told();
    await until(() => next === 1);
    const second = told();
    await until(() => next === 2);
    await pause(30);
    holds[0].open();
    expect(await first).toEqual([200, 'admit']);
    holds[1].open();
    const [, field] = (await second) as [number, string];
    expect(Number(/^admit; wait=(\d+)$/.exec(field)?.[1])).toBeGreaterThanOrEqual(29);
  });

  it('stands in answers with an error as well', async () => {
    await open('observe');
    act = () => {
      throw problem(404, 'not here');
    };
    expect(await told()).toEqual([404, 'admit']);
    act = () => {
      throw new SluiceError({ code: 'database_busy', status: 503, outcome: 'not_started', detail: '' });
    };
    expect(await told()).toEqual([503, 'admit']);
  });

  it.each(['enforce', 'off'] as const)('is not there in mode %s', async (mode) => {
    await open(mode);
    act = (_req, res) => res.json({});
    expect(await told()).toEqual([200, undefined]);
  });
});

it('work past its deadline goes on, and the circuit sees what it would have seen', async () => {
  const breaker = { breakerMinimumCalls: 1, breakerSlowPercent: 1, breakerResetMs: 10_000 };
  await open('observe', breaker, { deadlineMs: 100 });
  act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(0.3)'));
  expect(await told()).toEqual([200, 'shed; code=deadline_expired']);
  const { pool } = bench.gateway.entry('work').runtime;
  expect([pool?.breaker?.state, pool?.breaker?.openedBy]).toEqual(['open', 'slow']);
  expect(await told()).toEqual([200, 'shed; code=breaker_open']);
  expect(bench.stats('work').outcomes).toMatchObject({ succeeded: 2, expired: 0 });
  expect(bench.stats('work').wouldShedByCode).toMatchObject({ deadline_expired: 1, breaker_open: 1 });
});

it('a client that leaves leaves the shadow queue', async () => {
  await open('observe', {}, { deadlineMs: 20_000, onDisconnect: 'finish' });
  const hold = latch();
  let running = 0;
  act = async (_req, res) => {
    running += 1;
    await hold.promise;
    res.json({});
  };
  const first = told();
  await until(() => running === 1);
  const bulkhead = bench.gateway.entry('work').runtime.gate?.bulkhead;
  const client = await RawClient.sends(bench.port, 'GET', '/work');
  await until(() => bulkhead?.queued === 1);
  client.leave();
  await until(() => bulkhead?.queued === 0);
  expect(seats()).toBe(1);
  hold.open();
  await first;
});

it('what a handler waits for outside is no service, and the shadow has no seat meanwhile', async () => {
  await open('observe', {}, { deadlineMs: 20_000 });
  act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(0.01)'));
  for (let times = 0; times < 12; times++) await told();
  const hold = latch();
  let outside = false;
  act = async (req, res) => {
    await req.sluice.outside(() => {
      outside = true;
      return hold.promise;
    });
    res.json({});
  };
  const answer = told();
  await until(() => outside && seats() === 0);
  await pause(300);
  hold.open();
  expect(await answer).toEqual([200, 'admit']);
  expect(bench.gateway.entry('work').runtime.times.p90(bench.gateway.clock.nowMs())).toBeLessThan(100);
});

/** Twice what two connections can do, for two seconds. */
async function overload(mode: 'enforce' | 'observe'): Promise<{ statuses: number[]; inTime: number; shed: number }> {
  await open(mode, { max: 2 }, { deadlineMs: 400 });
  act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(0.025)'));
  const answers: Promise<number>[] = [];
  const startedMs = performance.now();
  while (answers.length < 320) {
    const due = (performance.now() - startedMs) / 6.25;
    while (answers.length < due) answers.push(bench.request.get('/work').then(({ status }) => status));
    await pause(5);
  }
  const statuses = await Promise.all(answers);
  await bench.atRest();
  const { wouldShedByCode, wouldWait, shed, outcomes } = bench.stats('work');
  if (mode === 'enforce') return { statuses, inTime: outcomes.succeeded, shed };
  const wouldShed = Object.values(wouldShedByCode).reduce((sum, count) => sum + count, 0);
  return { statuses, inTime: wouldWait.count - wouldShedByCode.deadline_expired, shed: wouldShed };
}

it('tells before it is switched on what enforcing does: about as many in time, and the estimates of the service', async () => {
  const enforced = await overload('enforce');
  await bench.close();
  const observed = await overload('observe');
  expect(enforced.shed).toBeGreaterThan(80);
  expect(observed.statuses.filter((status) => status !== 200)).toEqual([]);
  // On a busy machine no two runs are the same; a shadow without seats would be at 2, one whose seats wait for
  // connections below a quarter.
  expect(observed.inTime / enforced.inTime).toBeGreaterThan(0.6);
  expect(observed.inTime / enforced.inTime).toBeLessThan(1.6);
  // Connections were waited for more than a second; that is no service.
  const { times, stats } = bench.gateway.entry('work').runtime;
  expect(stats.response.quantile(0.9)).toBeGreaterThan(500);
  expect(times.p90(bench.gateway.clock.nowMs())).toBeLessThan(100);
  const text = await new Metrics(() => bench.gateway.telemetry(), { processMetrics: false }).text();
  expect(text).toContain(`sluice_would_wait_seconds_count{route="work",class="normal"} ${stats.wouldWait.count}\n`);
  expect(bench.gateway.snapshot().routes[0]?.wouldWait.count).toBe(stats.wouldWait.count);
});
