import { PRIORITY_CLASSES } from '../core/priority.js';
import type { HistogramMetric, NumberMetric } from './metric.js';
import {
  type ConnectionGauges,
  type PoolerGauges,
  type PoolTelemetry,
  RETRY_OUTCOMES,
  SEAT_REASONS,
} from './source.js';

/** What dashboards and alerts compare with: the order is that of growing trouble. */
const BREAKER_VALUES = { closed: 0, half_open: 1, open: 2 } as const;

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

const POOL_CREATE_TIME: HistogramMetric = {
  type: 'histogram',
  name: 'pool_connection_create_seconds',
  help: 'How long connections took to open.',
  labels: ['pool'],
  read: (source) =>
    Array.from(source.pools(), ({ name, connects }) => ({ labels: { pool: name }, value: connects.times })),
};

/** What is told of each pool. */
export const POOL_METRICS: readonly (NumberMetric | HistogramMetric)[] = [
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
  connections(
    'counter',
    'connect_local_shortages_total',
    'Of these, those for which this process or host had no descriptor, local port or memory.',
    'localShortages',
  ),
  connections('counter', 'connections_lost_total', 'Connections lost.', 'lost'),
  connections('counter', 'cancels_total', 'Statements that the server was asked to stop.', 'cancels'),
  connections(
    'counter',
    'acquire_timeouts_total',
    'Borrowers whose deadline came before a connection.',
    'acquireTimeouts',
  ),
  POOL_CREATE_TIME,
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
];
