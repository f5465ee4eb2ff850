import { expect, test } from 'vitest';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import { snapshot } from '../../../src/telemetry/snapshot.js';
import { exampleSource } from './example-source.js';

test('survives JSON unchanged', () => {
  const taken = snapshot(exampleSource().source);
  expect(JSON.parse(JSON.stringify(taken))).toEqual(taken);
});

test('tells every figure of a route', () => {
  const [checkout, ping, resize] = snapshot(exampleSource().source).routes;
  expect(checkout).toMatchObject({
    name: 'checkout',
    pool: 'checkout',
    priority: 'critical',
    arrived: 10,
    admitted: 4,
    queued: 2,
    shed: 3,
    abandonedBeforeAdmission: 1,
    undecided: 2,
    inFlight: 2,
    ended: 2,
    outcomes: { succeeded: 1, failed: 0, expired: 1, abandoned: 0 },
    lateWrites: 1,
    budgetsIgnored: 1,
    dirtyReturns: 1,
    silentHandlers: 1,
    keptConnections: 1,
  });
  expect(checkout?.shedByCode).toMatchObject({ queue_full: 2, rate_limited: 1, displaced: 0 });
  expect(checkout?.wouldShedByCode.displaced).toBe(1);
  expect(checkout?.errorsByCode.deadline_expired).toBe(1);
  expect(checkout?.queueWait).toMatchObject({ count: 4, sumMs: 200, p50Ms: 0 });
  expect([checkout?.seats, ping?.seats]).toEqual([null, null]);
  expect(resize).toMatchObject({ pool: null, seats: { limit: 6, inFlight: 5, queued: 9 } });
  expect(ping).toMatchObject({ pool: null, arrived: 0, queueWait: { p50Ms: null, p90Ms: null } });
  expect(checkout?.timeLeft).toMatchObject({ count: 3, sumMs: 900 });
});

test('tells every figure of a pool', () => {
  const [checkout, reports] = snapshot(exampleSource().source).pools;
  expect(checkout).toEqual({
    name: 'checkout',
    server: 'db.example:5432',
    retries: { retried: 5, recovered: 4, out_of_tries: 1, out_of_budget: 2, out_of_time: 0 },
    advice: { action: 'grow', reason: 'room_in_database', seats: 20, detail: 'all seats are in use' },
    state: 'up',
    breaker: 'half_open',
    circuit: { openedBy: 'slow', share: 0.25 },
    seats: {
      limit: 14,
      max: 16,
      tuning: null,
      inFlight: 2,
      headroom: 4,
      queuedByClass: { critical: 3, high: 0, normal: 1, low: 0 },
    },
    connections: {
      max: 16,
      granted: 14,
      total: 12,
      idle: 9,
      inUse: 2,
      connecting: 3,
      cleaning: 1,
      acquiring: 5,
      opened: 40,
      connectFailures: 7,
      localShortages: 2,
      lost: 6,
      cancels: 8,
      acquireTimeouts: 3,
    },
  });
  expect(reports).toMatchObject({
    state: 'down',
    breaker: null,
    seats: {
      limit: 3,
      max: 4,
      tuning: { reason: 'yielding', quietHoldMs: { report: 850 }, quietDatabaseMs: 6, targetMs: 12 },
    },
  });
});

test('tells the state of a pool once, though a pool at work tells it along with its gauges', () => {
  const { source } = exampleSource();
  const [pool] = [...source.pools()];
  if (pool === undefined) throw new Error('the example has pools');
  const working = { ...pool, gauges: () => ({ ...pool.gauges(), state: 'up' }) };
  const [told] = snapshot({ ...source, routes: source.routes, pools: () => [working] }).pools;
  expect(told?.connections).toEqual(pool.gauges());
});

test('does not change with the counters afterwards', () => {
  const { source, checkout } = exampleSource();
  const taken = snapshot(source);
  const before = JSON.stringify(taken);
  checkout.arrive();
  checkout.shedWith('queue_full');
  checkout.admit(3);
  checkout.end('failed', 3);
  expect(JSON.stringify(taken)).toBe(before);
});

test('names the route that holds the seats of its pool out of proportion', () => {
  const { source, checkout } = exampleSource();
  for (let request = 0; request < 990; request += 1) checkout.end('succeeded', 10);
  const report = new RouteStats();
  for (let request = 0; request < 10; request += 1) report.end('succeeded', 1_500);
  const routes = [...source.routes(), { name: 'report', pool: 'checkout', priority: 'low', stats: report } as const];
  expect(snapshot(source).seatHogs).toEqual([]);
  const [hog] = snapshot({ ...source, routes: () => routes }).seatHogs;
  expect(hog).toMatchObject({ route: 'report', pool: 'checkout', meanHoldMs: 1_500 });
  expect(hog?.seatTimeShare).toBeCloseTo(0.59, 2);
});
