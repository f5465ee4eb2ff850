import { ERROR_CODES, type ErrorCode } from '../errors.js';
import type { Histogram } from './histogram.js';
import type { HttpAnswers } from './http-times.js';
import type { HistogramMetric, MetricLabels, NumberMetric, Sample } from './metric.js';
import type { CodeCounts, RouteStats } from './route-stats.js';
import type { LaneGauges, OwnSeats, RouteTelemetry, TelemetrySource } from './source.js';

const ROUTE = ['route', 'class'] as const;
const ROUTE_CODE = ['route', 'class', 'code'] as const;

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

const labelsOfAnswers = new WeakMap<Histogram, MetricLabels>();

function httpLabels(route: RouteTelemetry, { method, status, times }: HttpAnswers): MetricLabels {
  const { own } = routeLabels(route);
  const known = labelsOfAnswers.get(times);
  if (known !== undefined && known.class === own.class) return known;
  const made = { ...own, method, status: String(status) };
  labelsOfAnswers.set(times, made);
  return made;
}

function perRoute<Value>(source: TelemetrySource, read: (stats: RouteStats) => Value): Sample<Value>[] {
  return Array.from(source.routes(), (route) => ({ labels: routeLabels(route).own, value: read(route.stats) }));
}

function routeNumber(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: (stats: RouteStats) => number,
): NumberMetric {
  return { type, name, help, labels: ROUTE, read: (source) => perRoute(source, read) };
}

/** Whether a route was ever observed; without, a fifth of all series would say nothing. */
function observed({ mode }: TelemetrySource, { wouldWait, wouldShedByCode }: RouteStats): boolean {
  return mode === 'observe' || wouldWait.count > 0 || ERROR_CODES.some((code) => wouldShedByCode[code] > 0);
}

type Shown = (source: TelemetrySource, stats: RouteStats) => boolean;

const always: Shown = () => true;

function routeCodes(
  name: string,
  help: string,
  read: (stats: RouteStats) => CodeCounts,
  shown: Shown = always,
): NumberMetric {
  return {
    type: 'counter',
    name,
    help,
    labels: ROUTE_CODE,
    // Every code from the start: a series that appears with its first event hides that event from rate().
    read: (source) =>
      Array.from(source.routes()).flatMap((route) => {
        if (!shown(source, route.stats)) return [];
        const counts = read(route.stats);
        return routeLabels(route).byCode.map(([code, labels]) => ({ labels, value: counts[code] }));
      }),
  };
}

function routeHistogram(
  name: string,
  help: string,
  read: (stats: RouteStats) => Histogram,
  shown: Shown = always,
): HistogramMetric {
  const of = (source: TelemetrySource): TelemetrySource => {
    if (shown === always) return source;
    return { ...source, routes: () => Array.from(source.routes()).filter(({ stats }) => shown(source, stats)) };
  };
  return { type: 'histogram', name, help, labels: ROUTE, read: (source) => perRoute(of(source), read) };
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

/** In Prometheus' spelling of `http.server.request.duration`; the route stands for its template. */
const HTTP_TIMES: HistogramMetric = {
  type: 'histogram',
  name: 'http_request_duration_seconds',
  help: 'From the arrival of an HTTP request to the end of its answer, refusals included; 499: its client left.',
  labels: ['route', 'class', 'method', 'status'],
  read: (source) =>
    Array.from(source.routes()).flatMap((route) =>
      Array.from(route.stats.http, (answers) => ({ labels: httpLabels(route, answers), value: answers.times })),
    ),
};

/** What is told of each route. */
export const ROUTE_METRICS: readonly (NumberMetric | HistogramMetric)[] = [
  routeNumber('counter', 'requests_arrived_total', 'Requests that reached a guard.', (stats) => stats.arrived),
  routeNumber('counter', 'requests_admitted_total', 'Requests that got a seat.', (stats) => stats.admitted),
  routeNumber('counter', 'requests_queued_total', 'Requests that had to wait for a seat.', (stats) => stats.queued),
  routeCodes('requests_shed_total', 'Requests refused before they got a seat.', (stats) => stats.shedByCode),
  routeCodes(
    'requests_would_shed_total',
    'Mode observe: requests that mode enforce would have refused, or cut short at their deadline.',
    (stats) => stats.wouldShedByCode,
    observed,
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
  routeNumber(
    'counter',
    'handlers_silent_total',
    'Handlers that had answered nothing at their deadline, and had nothing of the database at work.',
    (stats) => stats.silentHandlers,
  ),
  routeNumber(
    'counter',
    'connections_kept_total',
    'Requests whose handler answered and kept connections, which were taken back.',
    (stats) => stats.keptConnections,
  ),
  routeHistogram('queue_wait_seconds', 'From the queue to the seat.', (stats) => stats.queueWait),
  routeHistogram(
    'would_wait_seconds',
    'Mode observe: from the queue to the seat as mode enforce would have it, of those that would get one.',
    (stats) => stats.wouldWait,
    observed,
  ),
  routeHistogram('seat_hold_seconds', 'How long a seat was held.', (stats) => stats.seatHold),
  routeHistogram(
    'response_seconds',
    'From arrival to the end of the answer, of requests that had a seat.',
    (s) => s.response,
  ),
  HTTP_TIMES,
  routeSeats('route_seats', 'The concurrency limit of a route that has one of its own.', 'limit'),
  routeSeats('route_seats_in_flight', 'Seats of such a route that are taken.', 'inFlight'),
  routeSeats('route_queued', 'Requests that wait for a seat of such a route.', 'queued'),
  lane('places', 'Requests of the route that may be at work in all instances together.', 'max'),
  lane('in_use', 'Places of these that this instance holds.', 'inUse'),
  lane('waiting', 'Requests of this instance that wait for such a place.', 'waiting'),
  lane('degraded', 'Whether this instance goes on with its own part of them, without Redis: 0 or 1.', 'degraded'),
];
