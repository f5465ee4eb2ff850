import { PoolConnects } from '../../../src/telemetry/pool-connects.js';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import type { PoolTelemetry, RouteTelemetry, TelemetrySource } from '../../../src/telemetry/source.js';

/** A source, the counters of its first route, and how often the source was read. */
export interface ExampleSource {
  readonly source: TelemetrySource;
  readonly checkout: RouteStats;
  readonly asked: { routes: number; pools: number };
}

/** A gateway's figures with every counter at a value of its own. */
export function exampleSource(): ExampleSource {
  const checkout = new RouteStats();
  for (let request = 0; request < 10; request += 1) checkout.arrive();
  for (const waitMs of [0, 0, 20]) checkout.admit(waitMs, 300);
  checkout.admit(180);
  checkout.enqueue();
  checkout.enqueue();
  checkout.shedWith('queue_full');
  checkout.shedWith('queue_full');
  checkout.shedWith('rate_limited');
  checkout.wouldShed('displaced');
  checkout.abandon();
  checkout.end('succeeded', 21);
  checkout.end('expired', 500);
  checkout.answerWith('deadline_expired');
  checkout.respond(45_000);
  checkout.swallowLateWrite();
  checkout.noteSilence();
  checkout.noteKept();
  checkout.ignoreBudget();
  checkout.returnDirty();
  checkout.http.observe('POST', 201, 21);
  checkout.http.observe('POST', 503, 2);
  checkout.http.observe('POST', 503, 3);
  const asked = { routes: 0, pools: 0 };
  const routes: RouteTelemetry[] = [
    { name: 'checkout', pool: 'checkout', priority: 'critical', stats: checkout },
    { name: 'ping', priority: 'low', stats: new RouteStats() },
    { name: 'resize', priority: 'low', stats: new RouteStats(), seats: { limit: 6, inFlight: 5, queued: 9 } },
  ];
  const gauges = {
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
  };
  const connects = new PoolConnects({ name: 'checkout' });
  connects.tell(4);
  connects.tell(30);
  const pools: PoolTelemetry[] = [
    {
      name: 'checkout',
      at: 'db.example:5432',
      state: 'up',
      breaker: 'half_open',
      circuit: { openedBy: 'slow', share: 0.25 },
      seats: { limit: 14, max: 16, tuning: undefined, inFlight: 2, headroom: 4, queuedByClass: [3, 0, 1, 0] },
      retries: { retried: 5, recovered: 4, out_of_tries: 1, out_of_budget: 2, out_of_time: 0 },
      advice: { action: 'grow', reason: 'room_in_database', seats: 20, detail: 'all seats are in use' },
      pooler: {
        clientsActive: 11,
        clientsWaiting: 3,
        serversActive: 10,
        serversIdle: 6,
        longestWaitMs: 250,
        waitMsTotal: 7_500,
        transactionsTotal: 900,
      },
      connects,
      gauges: () => gauges,
    },
    {
      name: 'reports',
      at: 'db.example:5432',
      state: 'down',
      breaker: undefined,
      seats: {
        limit: 3,
        max: 4,
        tuning: { reason: 'yielding', quietHoldMs: { report: 850 }, quietDatabaseMs: 6, targetMs: 12 },
        inFlight: 0,
        headroom: 0,
        queuedByClass: [0, 0, 0, 0],
      },
      retries: { retried: 0, recovered: 0, out_of_tries: 0, out_of_budget: 0, out_of_time: 0 },
      advice: undefined,
      connects: new PoolConnects({ name: 'reports' }),
      gauges: () => ({ ...gauges, max: 4 }),
    },
  ];
  const source: TelemetrySource = {
    mode: 'enforce',
    draining: false,
    eventLoopLagMs: 12,
    clientsTurnedAway: 2,
    answersNotRead: 1,
    fleet: { degraded: true, trouble: 'ECONNREFUSED', instances: 3, reports: 40, disagreements: 1 },
    routes: () => {
      asked.routes += 1;
      return routes;
    },
    pools: () => {
      asked.pools += 1;
      return pools;
    },
  };
  return { source, checkout, asked };
}
