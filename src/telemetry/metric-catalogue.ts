import { PRIORITY_CLASSES } from '../core/priority.js';
import { ERROR_CODES, type ErrorCode } from '../errors.js';
import type { Histogram } from './histogram.js';
import type { CodeCounts, RouteStats } from './route-stats.js';
import {
  type ConnectionGauges,
  type FleetTelemetry,
  type LaneGauges,
  type OwnSeats,
  type PoolerGauges,
  type PoolTelemetry,
  RETRY_OUTCOMES,
  type RouteTelemetry,
  SEAT_REASONS,
  type TelemetrySource,
} from './source.js';

/** Every label that a metric may carry: all of them from closed sets or from the configuration. */
export type MetricLabel = 'route' | 'class' | 'pool' | 'code' | 'reason' | 'outcome';

/** The labels of one series. */
export type MetricLabels = Readonly<Partial<Record<MetricLabel, string>>>;

/** One value of a metric. */
export interface Sample<Value> {
  readonly labels: MetricLabels;
  readonly value: Value;
}

interface Described {
  /** Without the prefix `sluice_`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly MetricLabel[];
}

/** A metric whose values are numbers. */
export interface NumberMetric extends Described {
  readonly type: 'counter' | 'gauge';
  read(source: TelemetrySource): Sample<number>[];
}

/** A metric whose values are histograms. */
export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  read(source: TelemetrySource): Sample<Histogram>[];
}

const ROUTE = ['route', 'class'] as const;
const ROUTE_CODE = ['route', 'class', 'code'] as const;

/** What dashboards and alerts compare with: the order is that of growing trouble. */
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 } as const;

/** The labels of one route's series: the same objects at each scrape, whose text need not be made again. */
interface RouteLabels {
  readonly own: MetricLabels;
  readonly byCode: readonly (readonly [ErrorCode, MetricLabels])[];
}

/** A cache that goes with the counters: a scrape of many routes would spend most of its time on their labels. */
const labelsOf = new WeakMap<RouteStats, RouteLabels>();

function routeLabels({ name, priority, stats }: RouteTelemetry): RouteLabels {
  const known = labelsOf.get(stats);
  if (known !== undefined && known.own.class === priority && known.own.route === name) return known;
  const own = { route: name, class: priority };
  const made: RouteLabels = { own, byCode: ERROR_CODES.map((code) => [code, { ...own, code }]) };
  labelsOf.set(stats, made);
  return made;
}

function perRoute<Value>(source: TelemetrySource, read: (stats: RouteStats) => Value): Sample<Value>[] {
  return Array.from(source.routes(), (route) => ({ labels: routeLabels(route).own, value: read(route.stats) }));
}

/** Without a fleet there is no series. */
function fleetNumber(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: (fleet: FleetTelemetry) => number,
): NumberMetric {
  const all = ({ fleet }: TelemetrySource): Sample<number>[] =>
    fleet === undefined ? [] : [{ labels: {}, value: read(fleet) }];
  return { type, name, help, labels: [], read: all };
}

function routeNumber(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: (stats: RouteStats) => number,
): NumberMetric {
  return { type, name, help, labels: ROUTE, read: (source) => perRoute(source, read) };
}

function routeCodes(name: string, help: string, read: (stats: RouteStats) => CodeCounts): NumberMetric {
  return {
    type: 'counter',
    name,
    help,
    labels: ROUTE_CODE,
    // Every code from the start: a series that appears with its first event hides that event from rate().
    read: (source) =>
      Array.from(source.routes()).flatMap((route) => {
        const counts = read(route.stats);
        return routeLabels(route).byCode.map(([code, labels]) => ({ labels, value: counts[code] }));
      }),
  };
}

function routeHistogram(name: string, help: string, read: (stats: RouteStats) => Histogram): HistogramMetric {
  return { type: 'histogram', name, help, labels: ROUTE, read: (source) => perRoute(source, read) };
}

function routeSeats(name: string, help: string, key: keyof OwnSeats): NumberMetric {
  return {
    type: 'gauge',
    name,
    help,
    labels: ROUTE,
    read: (source) =>
      Array.from(source.routes()).flatMap(({ name: route, priority, seats }) =>
        seats === undefined ? [] : [{ labels: { route, class: priority }, value: seats[key] }],
      ),
  };
}

function lane(name: string, help: string, key: keyof LaneGauges): NumberMetric {
  return {
    type: 'gauge',
    name: `route_lane_${name}`,
    help,
    labels: ROUTE,
    read: (source) =>
      Array.from(source.routes()).flatMap(({ name: route, priority, lane: gauges }) =>
        gauges === undefined ? [] : [{ labels: { route, class: priority }, value: Number(gauges[key]) }],
      ),
  };
}

function poolNumber(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: (pool: PoolTelemetry) => number | undefined,
): NumberMetric {
  return {
    type,
    name: `pool_${name}`,
    help,
    labels: ['pool'],
    read: (source) =>
      Array.from(source.pools()).flatMap((pool) => {
        const value = read(pool);
        return value === undefined ? [] : [{ labels: { pool: pool.name }, value }];
      }),
  };
}

function connections(type: 'counter' | 'gauge', name: string, help: string, key: keyof ConnectionGauges): NumberMetric {
  return poolNumber(type, name, help, (pool) => pool.gauges()[key]);
}

function pooler(type: 'counter' | 'gauge', name: string, help: string, key: keyof PoolerGauges): NumberMetric {
  const scale = key.includes('Ms') ? 1_000 : 1;
  return poolNumber(type, `pooler_${name}`, help, (pool) => pool.pooler && pool.pooler[key] / scale);
}

function processNumber(name: string, help: string, read: (source: TelemetrySource) => number): NumberMetric {
  return { type: 'gauge', name, help, labels: [], read: (source) => [{ labels: {}, value: read(source) }] };
}

const POOL_QUEUED: NumberMetric = {
  type: 'gauge',
  name: 'pool_queued',
  help: 'Requests that wait for a seat of the pool, by class.',
  labels: ['pool', 'class'],
  read: (source) =>
    Array.from(source.pools()).flatMap(({ name, seats }) =>
      PRIORITY_CLASSES.map((priority, rank) => ({
        labels: { pool: name, class: priority },
        value: seats.queuedByClass[rank] ?? 0,
      })),
    ),
};

const POOL_SEATS_REASON: NumberMetric = {
  type: 'gauge',
  name: 'pool_seats_reason',
  help: 'Why the concurrency limit of a pool that adapts or yields was last changed: 1 for that reason, 0 for the others.',
  labels: ['pool', 'reason'],
  read: (source) =>
    Array.from(source.pools()).flatMap(({ name, seats: { tuning } }) =>
      tuning === undefined
        ? []
        : SEAT_REASONS.map((reason) => ({
            labels: { pool: name, reason },
            value: Number(reason === tuning.reason),
          })),
    ),
};

const POOL_RETRIES: NumberMetric = {
  type: 'counter',
  name: 'pool_transaction_retries_total',
  help: 'Transactions declared repeatable that met a conflicting one: run again, saved by that, or given up, and why.',
  labels: ['pool', 'outcome'],
  read: (source) =>
    Array.from(source.pools()).flatMap(({ name, retries }) =>
      RETRY_OUTCOMES.map((outcome) => ({ labels: { pool: name, outcome }, value: retries[outcome] })),
    ),
};

const POOL_QUIET_HOLD: NumberMetric = {
  type: 'gauge',
  name: 'pool_quiet_hold_seconds',
  help: 'How long nine of ten requests hold their seat in quiet times, by route, where the pool adapts.',
  labels: ['pool', 'route'],
  read: (source) =>
    Array.from(source.pools()).flatMap(({ name, seats: { tuning } }) =>
      Object.entries(tuning?.quietHoldMs ?? {}).map(([route, ms]) => ({
        labels: { pool: name, route },
        value: ms / 1_000,
      })),
    ),
};

function yielding(name: string, help: string, key: 'quietDatabaseMs' | 'targetMs'): NumberMetric {
  return poolNumber('gauge', name, help, ({ seats }) => {
    const ms = seats.tuning?.[key];
    return ms === undefined ? undefined : ms / 1_000;
  });
}

/** Every metric of Sluice, in the order in which they are printed. Durations are in seconds. */
export const METRICS: readonly (NumberMetric | HistogramMetric)[] = [
  routeNumber('counter', 'requests_arrived_total', 'Requests that reached a guard.', (stats) => stats.arrived),
  routeNumber('counter', 'requests_admitted_total', 'Requests that got a seat.', (stats) => stats.admitted),
  routeNumber('counter', 'requests_queued_total', 'Requests that had to wait for a seat.', (stats) => stats.queued),
  routeCodes('requests_shed_total', 'Requests refused before they got a seat.', (stats) => stats.shedByCode),
  routeCodes(
    'requests_would_shed_total',
    'Mode observe: requests that mode enforce would have refused, or cut short at their deadline.',
    (stats) => stats.wouldShedByCode,
  ),
  routeNumber(
    'counter',
    'requests_left_queue_total',
    'Requests that ended before they got a seat and were not shed: the client left, or the body could not be read.',
    (stats) => stats.abandonedBeforeAdmission,
  ),
  routeNumber('counter', 'requests_succeeded_total', 'Admitted requests that succeeded.', (s) => s.outcomes.succeeded),
  routeNumber('counter', 'requests_failed_total', 'Admitted requests that failed.', (s) => s.outcomes.failed),
  routeNumber(
    'counter',
    'requests_expired_total',
    'Admitted requests that ran into their deadline.',
    (s) => s.outcomes.expired,
  ),
  routeNumber(
    'counter',
    'requests_abandoned_total',
    'Admitted requests whose client left.',
    (s) => s.outcomes.abandoned,
  ),
  routeCodes('errors_total', 'Error answers to requests that had a seat.', (stats) => stats.errorsByCode),
  routeNumber('gauge', 'requests_in_flight', 'Requests that hold a seat.', (stats) => stats.inFlight),
  routeNumber(
    'gauge',
    'requests_undecided',
    'Requests that wait for a seat or for their body.',
    (stats) => stats.undecided,
  ),
  routeNumber(
    'counter',
    'late_writes_total',
    'Writes of handlers whose request had been answered.',
    (s) => s.lateWrites,
  ),
  routeNumber('counter', 'budget_headers_ignored_total', 'Malformed budget headers.', (stats) => stats.budgetsIgnored),
  routeNumber(
    'counter',
    'dirty_returns_total',
    'Connections given back in need of cleaning: something may be left in the session, or a transaction is open.',
    (stats) => stats.dirtyReturns,
  ),
  routeHistogram('queue_wait_seconds', 'From the queue to the seat.', (stats) => stats.queueWait),
  routeHistogram(
    'would_wait_seconds',
    'Mode observe: from the queue to the seat as mode enforce would have it, of those that would get one.',
    (stats) => stats.wouldWait,
  ),
  routeHistogram('seat_hold_seconds', 'How long a seat was held.', (stats) => stats.seatHold),
  routeHistogram(
    'response_seconds',
    'From arrival to the end of the answer, of requests that had a seat.',
    (s) => s.response,
  ),
  routeSeats('route_seats', 'The concurrency limit of a route that has one of its own.', 'limit'),
  routeSeats('route_seats_in_flight', 'Seats of such a route that are taken.', 'inFlight'),
  routeSeats('route_queued', 'Requests that wait for a seat of such a route.', 'queued'),
  lane('places', 'Requests of the route that may be at work in all instances together.', 'max'),
  lane('in_use', 'Places of these that this instance holds.', 'inUse'),
  lane('waiting', 'Requests of this instance that wait for such a place.', 'waiting'),
  lane('degraded', 'Whether this instance goes on with its own part of them, without Redis: 0 or 1.', 'degraded'),
  poolNumber('gauge', 'up', 'Whether the database of the pool can be reached.', ({ state }) => Number(state === 'up')),
  poolNumber('gauge', 'breaker_state', 'The circuit breaker: 0 closed, 1 half-open, 2 open.', ({ breaker }) =>
    breaker === undefined ? undefined : BREAKER_VALUES[breaker],
  ),
  poolNumber('gauge', 'seats', 'The concurrency limit in force.', ({ seats }) => seats.limit),
  poolNumber('gauge', 'seats_max', 'The concurrency limit while nothing lowers it.', ({ seats }) => seats.max),
  POOL_SEATS_REASON,
  POOL_QUIET_HOLD,
  yielding('yield_target_seconds', 'What the database time (p99) of the pool yielded to must not exceed.', 'targetMs'),
  yielding(
    'yield_quiet_seconds',
    'The database time (p99) of the pool yielded to while both pools are calm.',
    'quietDatabaseMs',
  ),
  poolNumber('gauge', 'seats_in_flight', 'Seats that are taken.', ({ seats }) => seats.inFlight),
  poolNumber('gauge', 'seats_headroom', 'Seats that only the top class may take.', ({ seats }) => seats.headroom),
  POOL_QUEUED,
  POOL_RETRIES,
  connections('gauge', 'connections_max', 'The most connections that the pool may open.', 'max'),
  connections('gauge', 'connections_granted', 'Of these, how many the server was found to give.', 'granted'),
  connections('gauge', 'connections', 'Connections that are open.', 'total'),
  connections('gauge', 'connections_idle', 'Connections that wait for a borrower.', 'idle'),
  connections('gauge', 'connections_in_use', 'Connections that are lent.', 'inUse'),
  connections('gauge', 'connections_connecting', 'Connections that are being opened.', 'connecting'),
  connections('gauge', 'connections_cleaning', 'Connections that are being cleaned or validated.', 'cleaning'),
  connections('gauge', 'acquiring', 'Borrowers that wait for a connection.', 'acquiring'),
  connections('counter', 'connections_opened_total', 'Connections opened.', 'opened'),
  connections('counter', 'connect_failures_total', 'Attempts to connect that failed.', 'connectFailures'),
  connections('counter', 'connections_lost_total', 'Connections lost.', 'lost'),
  connections('counter', 'cancels_total', 'Statements that the server was asked to stop.', 'cancels'),
  pooler('gauge', 'clients_active', 'Clients of the pooler that have a connection to the server.', 'clientsActive'),
  pooler('gauge', 'clients_waiting', 'Clients of the pooler that wait for one.', 'clientsWaiting'),
  pooler('gauge', 'servers_active', 'Connections of the pooler that serve a client.', 'serversActive'),
  pooler('gauge', 'servers_idle', 'Connections of the pooler that are free.', 'serversIdle'),
  pooler(
    'gauge',
    'longest_wait_seconds',
    'How long the first client in the line of the pooler waits.',
    'longestWaitMs',
  ),
  pooler(
    'counter',
    'wait_seconds_total',
    'Time that clients of the database have waited at the pooler.',
    'waitMsTotal',
  ),
  pooler('counter', 'transactions_total', 'Transactions of the database through the pooler.', 'transactionsTotal'),
  processNumber(
    'event_loop_lag_seconds',
    'How late the event loop runs.',
    ({ eventLoopLagMs }) => eventLoopLagMs / 1_000,
  ),
  {
    type: 'counter',
    name: 'clients_turned_away_total',
    help: 'Clients that were disconnected because no file descriptor was left for them.',
    labels: [],
    read: (source) => [{ labels: {}, value: source.clientsTurnedAway }],
  },
  {
    type: 'counter',
    name: 'answers_not_read_total',
    help: 'Answers that were cut off because their client had stopped reading.',
    labels: [],
    read: (source) => [{ labels: {}, value: source.answersNotRead }],
  },
  fleetNumber('gauge', 'fleet_degraded', "Whether limits hold on this instance's share alone: 0 or 1.", (fleet) =>
    fleet.degraded ? 1 : 0,
  ),
  fleetNumber('gauge', 'fleet_instances', 'Instances among which limits are shared.', (fleet) => fleet.instances),
  fleetNumber(
    'counter',
    'fleet_reports_total',
    'Reports of spent tokens that were sent to Redis.',
    (fleet) => fleet.reports,
  ),
  processNumber('enforcing', 'Whether refusals are in force (mode enforce).', ({ mode }) => Number(mode === 'enforce')),
  processNumber('draining', 'Whether the gateway is shutting down.', ({ draining }) => Number(draining)),
];
