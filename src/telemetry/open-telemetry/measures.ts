import { ERROR_CODES } from '../../errors.js';
import type { AdmissionResult, AnswerMessage, RequestMessage } from '../channels.js';
import { BUCKET_BOUNDS_MS } from '../duration-bins.js';
import { CLIENT_CLOSED } from '../http-times.js';
import { unheard } from '../quietly.js';
import { ROUTE_OUTCOMES } from '../route-stats.js';
import type { ConnectionGauges, PoolTelemetry, RouteTelemetry, TelemetrySource } from '../source.js';
import type { Attributes, HistogramLike, MeterLike, ObservableLike, ObservableResultLike } from './api.js';
import { errorType } from './error-type.js';
import type { Listeners } from './instrument.js';
import { remembered, rememberedByOperation } from './remembered.js';

type Observe = (source: TelemetrySource, result: ObservableResultLike) => void;

/** Buckets of the conventions for `db.client.*`, in seconds. */
const DATABASE_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** Those of `http.server.request.duration`. */
const HTTP_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const OWN_BOUNDS = BUCKET_BOUNDS_MS.map((ms) => ms / 1_000);

/**
 * Creates the instruments: what only counts is read when it is collected, durations are recorded as they come.
 *
 * @param ends - Given what takes each callback back, as they are made.
 */
export function measure(meter: MeterLike, source: () => TelemetrySource, ends: (() => void)[]): Listeners {
  const observe = (instrument: ObservableLike, read: Observe): void => {
    const callback = (result: ObservableResultLike): void => read(source(), result);
    instrument.addCallback(callback);
    ends.push(() => instrument.removeCallback(callback));
  };
  observeRoutes(meter, observe);
  observePools(meter, observe);
  return recordDurations(meter);
}

function observeRoutes(meter: MeterLike, observe: (instrument: ObservableLike, read: Observe) => void): void {
  const requests = { unit: '{request}' };
  observe(
    meter.createObservableCounter('sluice.requests', {
      ...requests,
      description: 'Requests by what became of them before they got a seat, or that they got one.',
    }),
    (source, result) => {
      for (const route of source.routes()) {
        for (const [what, count] of results(route)) result.observe(count, { ...about(route), 'sluice.result': what });
      }
    },
  );
  const gauges = [
    ['sluice.active_request_leases', 'Requests that hold a seat.', 'inFlight'],
    ['sluice.queued_requests', 'Requests that wait for a seat or for their body.', 'undecided'],
  ] as const;
  for (const [name, description, key] of gauges) {
    observe(meter.createObservableUpDownCounter(name, { ...requests, description }), (source, result) => {
      for (const route of source.routes()) result.observe(route.stats[key], about(route));
    });
  }
}

/** How many requests came to which result; the same words as in `sluice:admission`. */
function results({ stats }: RouteTelemetry): [AdmissionResult, number][] {
  return [
    ['acquired', stats.admitted],
    ['request_canceled', stats.abandonedBeforeAdmission],
    ...ERROR_CODES.map((code): [AdmissionResult, number] => [code, stats.shedByCode[code]]),
  ];
}

function observePools(meter: MeterLike, observe: (instrument: ObservableLike, read: Observe) => void): void {
  observe(
    meter.createObservableUpDownCounter('db.client.connection.count', {
      unit: '{connection}',
      description: 'Connections that are open, by whether they are lent.',
    }),
    (source, result) => {
      for (const pool of source.pools()) {
        const { idle, total } = pool.gauges();
        result.observe(idle, { ...ofPool(pool), 'db.client.connection.state': 'idle' });
        result.observe(total - idle, { ...ofPool(pool), 'db.client.connection.state': 'used' });
      }
    },
  );
  const gauges: readonly (readonly [string, string, string, keyof ConnectionGauges])[] = [
    ['db.client.connection.max', '{connection}', 'The most connections that the pool may open.', 'max'],
    ['db.client.connection.pending_requests', '{request}', 'Borrowers that wait for a connection.', 'acquiring'],
  ];
  for (const [name, unit, description, key] of gauges) {
    observe(meter.createObservableUpDownCounter(name, { unit, description }), (source, result) => {
      for (const pool of source.pools()) result.observe(pool.gauges()[key], ofPool(pool));
    });
  }
  observe(
    meter.createObservableCounter('db.client.connection.timeouts', {
      unit: '{timeout}',
      description: 'Borrowers whose deadline came before a connection.',
    }),
    (source, result) => {
      for (const pool of source.pools()) result.observe(pool.gauges().acquireTimeouts, ofPool(pool));
    },
  );
  observe(
    meter.createObservableGauge('sluice.pool.up', { description: 'Whether the database of the pool can be reached.' }),
    (source, result) => {
      for (const pool of source.pools()) result.observe(Number(pool.state === 'up'), ofPool(pool));
    },
  );
}

function recordDurations(meter: MeterLike): Listeners {
  const durations = (name: string, description: string, bounds: number[]): HistogramLike => {
    const histogram = meter.createHistogram(name, {
      unit: 's',
      description,
      advice: { explicitBucketBoundaries: bounds },
    });
    return { record: (value, attributes) => void unheard(histogram.record(value, attributes)) };
  };
  const queued = durations('sluice.request.time_in_queue', 'From the queue to the seat.', OWN_BOUNDS);
  const held = durations('sluice.request_lease.duration', 'How long a seat was held.', OWN_BOUNDS);
  const waited = durations('db.client.connection.wait_time', 'Wait for a connection.', DATABASE_BOUNDS);
  const used = durations('db.client.connection.use_time', 'From borrowing to returning one.', DATABASE_BOUNDS);
  const created = durations('db.client.connection.create_time', 'How long one took to open.', DATABASE_BOUNDS);
  const answered = durations('http.server.request.duration', 'From arrival to the end of the answer.', HTTP_BOUNDS);
  const ran = durations('db.client.operation.duration', 'From sending a statement to its answer.', DATABASE_BOUNDS);
  const acquired = remembered((message) => ({ ...about(message), 'sluice.result': 'acquired' }));
  const inPool = remembered(ofMessage);
  const statement = rememberedByOperation((message) => ({
    'db.system.name': message.system,
    'db.operation.name': message.operation,
    ...ofMessage(message),
  }));
  const ended = new Map(
    ROUTE_OUTCOMES.map((outcome) => [
      outcome,
      remembered((message) => ({ ...about(message), 'sluice.outcome': outcome })),
    ]),
  );
  return {
    'sluice:admission': (message) => {
      if (message.result === 'acquired') queued.record(message.queueWaitMs / 1_000, acquired(message));
    },
    'sluice:end': (message) => held.record(message.seatHoldMs / 1_000, ended.get(message.outcome)?.(message)),
    'sluice:acquire': (message) => waited.record(message.waitMs / 1_000, failed(inPool(message), message.error)),
    'sluice:connect': ({ pool, durationMs }) => created.record(durationMs / 1_000, ofPool({ name: pool })),
    'sluice:answer': (message) => answered.record(message.durationMs / 1_000, answerOf(message)),
    'sluice:release': (message) => used.record(message.useMs / 1_000, inPool(message)),
    'sluice:query': (message) => ran.record(message.durationMs / 1_000, failed(statement(message), message.error)),
  };
}

function failed(attributes: Attributes, error: unknown): Attributes {
  return error === undefined ? attributes : { ...attributes, 'error.type': errorType(error) };
}

function about(route: RouteTelemetry | RequestMessage): Attributes {
  const name = 'route' in route ? route.route : route.name;
  const { priority, pool } = route;
  return { 'sluice.route': name, 'sluice.class': priority, ...(pool === undefined ? {} : { 'sluice.pool': pool }) };
}

/** The conventions call a server at fault from 500 on; 499 has no answer whose status could be told. */
function answerOf({ method, status, scheme, template, route }: AnswerMessage): Attributes {
  // Step by step: an object spread costs a microsecond, and this is done for each request.
  const attributes: Record<string, string | number> = {
    'http.request.method': method,
    'url.scheme': scheme,
    'sluice.route': route,
  };
  if (template !== undefined) attributes['http.route'] = template;
  if (status !== CLIENT_CLOSED) attributes['http.response.status_code'] = status;
  if (status === CLIENT_CLOSED || status >= 500) attributes['error.type'] = String(status);
  return attributes;
}

function ofPool({ name }: Pick<PoolTelemetry, 'name'>): Attributes {
  return { 'db.client.connection.pool.name': name };
}

function ofMessage({ pool = '' }: RequestMessage): Attributes {
  return { 'db.client.connection.pool.name': pool };
}
