import type { PoolAdvice } from '../core/advisor.js';
import type { PriorityClass } from '../core/priority.js';
import type { PoolConnects } from './pool-connects.js';
import type { RouteStats } from './route-stats.js';

/** One route, as telemetry sees it. */
export interface RouteTelemetry {
  readonly name: string;
  /** Absent for a route without database. */
  readonly pool?: string | undefined;
  readonly priority: PriorityClass;
  readonly stats: RouteStats;
  /** Absent where its seats are those of a pool, or it has none. */
  readonly seats?: OwnSeats | undefined;
  /** Absent where the fleet has no bound on its concurrent work. */
  readonly lane?: LaneGauges | undefined;
}

/** The bound of a fleet on the concurrent work of a route, as this instance sees it at one instant. */
export interface LaneGauges {
  /** Places in the whole fleet. */
  readonly max: number;
  /** Places that this instance holds. */
  readonly inUse: number;
  /** Requests of this instance that wait for one. */
  readonly waiting: number;
  /** Whether this instance goes on with its own part of the places, because Redis does not answer. */
  readonly degraded: boolean;
  /** Instances that share the places, as last heard; 0 before anything was. */
  readonly instances: number;
}

/** The seats of a route with a `concurrency` of its own, at one instant. */
export interface OwnSeats {
  /** The concurrency limit. */
  readonly limit: number;
  readonly inFlight: number;
  /** Requests that wait for one of them. */
  readonly queued: number;
}

/** The connections of a pool at one instant; what follows `acquiring` counts since the start. */
export interface ConnectionGauges {
  readonly max: number;
  /** Of `max`, how many the server was found to give. */
  readonly granted: number;
  readonly total: number;
  readonly idle: number;
  readonly inUse: number;
  readonly connecting: number;
  readonly cleaning: number;
  readonly acquiring: number;
  readonly opened: number;
  readonly connectFailures: number;
  readonly localShortages: number;
  readonly lost: number;
  readonly cancels: number;
  /** Borrowers whose deadline came before a connection. */
  readonly acquireTimeouts: number;
}

/** Why the concurrency limit of a pool was last changed: up to `strain` where it adapts, the rest where it yields. */
export const SEAT_REASONS = [
  'start',
  'trial',
  'trial_failed',
  'congestion',
  'throughput',
  'demand',
  'strain',
  'measuring',
  'yielding',
  'returning',
] as const;

/** What moves the concurrency limit of a pool that adapts or yields. */
export interface SeatTuning {
  readonly reason: (typeof SEAT_REASONS)[number];
  /** How long nine of ten requests hold their seat in quiet times at most, in ms, by route, where it is known. */
  readonly quietHoldMs: Readonly<Record<string, number>>;
  /** The quiet database time (p99) of the pool yielded to, in ms, where it is known. */
  readonly quietDatabaseMs: number | undefined;
  /** What that pool's database time (p99) is to stay below, in ms, where it is known. */
  readonly targetMs: number | undefined;
}

/**
 * What became of transactions that were declared repeatable, each time one met a conflicting one: `retried`, it was
 * run again; `recovered`, a run after the first succeeded; the others, it was given up for want of something.
 */
export type RetryOutcome = 'retried' | 'recovered' | 'out_of_tries' | 'out_of_budget' | 'out_of_time';

/** Every {@link RetryOutcome}. */
export const RETRY_OUTCOMES: readonly RetryOutcome[] = [
  'retried',
  'recovered',
  'out_of_tries',
  'out_of_budget',
  'out_of_time',
];

/** The seats of a pool at one instant. */
export interface SeatGauges {
  /** The concurrency limit in force. */
  readonly limit: number;
  /** The concurrency limit while nothing lowers it. */
  readonly max: number;
  /** Absent where the concurrency limit is fixed. */
  readonly tuning: SeatTuning | undefined;
  readonly inFlight: number;
  /** Requests waiting for a seat, by the rank of their class. */
  readonly queuedByClass: readonly number[];
  /** Seats that only the top class may take. */
  readonly headroom: number;
}

/** What the pooler in front of a server tells of the clients of one pool; what ends in `Total` counts since its start. */
export interface PoolerGauges {
  readonly clientsActive: number;
  /** Clients that wait for a connection to the server. */
  readonly clientsWaiting: number;
  readonly serversActive: number;
  readonly serversIdle: number;
  /** How long the first of those who wait has waited, in milliseconds. */
  readonly longestWaitMs: number;
  readonly waitMsTotal: number;
  readonly transactionsTotal: number;
}

/** What the breaker of a pool does at present. */
export interface CircuitTelemetry {
  /** What opened it: work that failed, or was cut off as too slow; `null` while it is closed. */
  readonly openedBy: 'failure' | 'slow' | null;
  /** The share of the demand that is let through, 0 to 1. */
  readonly share: number;
}

/** What a server has counted since its start, of all its sessions. */
export interface ServerTotals {
  /** Attempts to connect, refused ones included. */
  readonly connectsTotal: number;
  /** Threads made for sessions, because no cache had one ready. */
  readonly threadsCreatedTotal: number;
  /** Sessions that ended without a goodbye, or were ended by the server. */
  readonly abortedClientsTotal: number;
  readonly rowLockWaitsTotal: number;
  /** In milliseconds. */
  readonly rowLockWaitMsTotal: number;
}

/** What the server of a pool says of all sessions of its database, at one instant. */
export interface ServerGauges {
  /** Sessions that run a statement. */
  readonly active: number;
  /** Sessions that keep a transaction open and run nothing; absent where the server does not tell. */
  readonly idleInTransaction: number | undefined;
  /** Of the active ones, how many wait inside the server, by what for: `lock` is told by every server. */
  readonly waiting: Readonly<Record<string, number>>;
  /** What the process of a session has of memory to itself, on average; absent where it is not on this host. */
  readonly backendBytes?: number | undefined;
  /** Told by MySQL and MariaDB. */
  readonly totals?: ServerTotals | undefined;
}

/** One pool, as telemetry sees it. */
export interface PoolTelemetry {
  readonly name: string;
  /** Host and port of its server, or of the pooler before it. */
  readonly at: string;
  readonly state: 'up' | 'down' | 'closed';
  /** Absent where the configuration switches the breaker off. */
  readonly breaker: 'closed' | 'open' | 'half_open' | undefined;
  /** Absent where the configuration switches the breaker off. */
  readonly circuit?: CircuitTelemetry | undefined;
  readonly seats: SeatGauges;
  /** Counts since the start. */
  readonly retries: Readonly<Record<RetryOutcome, number>>;
  /** How long its connections took to open. */
  readonly connects: PoolConnects;
  /** On the size of the pool; absent where seats are not enforced. */
  readonly advice: PoolAdvice | undefined;
  /** The last reading of a few seconds ago; absent where there is no pooler with a console. */
  readonly pooler?: PoolerGauges | undefined;
  /** The last reading; to call it asks the server, in a spare moment and for the next call. */
  readonly server?: (() => ServerGauges | undefined) | undefined;
  gauges(): ConnectionGauges;
}

/** How this instance stands with the others, as telemetry sees it. */
export interface FleetTelemetry {
  /** Whether limits hold on this instance's share alone, because Redis does not answer. */
  readonly degraded: boolean;
  /** Why, with nothing secret in it; empty while all is well. */
  readonly trouble: string;
  /** Instances among which limits are shared. */
  readonly instances: number;
  /** Reports of spent tokens that were sent to Redis since the start. */
  readonly reports: number;
  /** Settings, routes and pools in which the configurations of the instances differ; the log names them. */
  readonly disagreements: number;
}

/** Where metrics and snapshots read from, when somebody asks for them. */
export interface TelemetrySource {
  readonly mode: 'enforce' | 'observe' | 'off';
  readonly draining: boolean;
  /** How late the event loop runs, in milliseconds. */
  readonly eventLoopLagMs: number;
  /** Clients that were disconnected because no file descriptor was left for them. */
  readonly clientsTurnedAway: number;
  /** Connections that were ended because their clients read nothing of an answer for `writeTimeoutMs`. */
  readonly answersNotRead: number;
  /** Absent where the instance is alone. */
  readonly fleet: FleetTelemetry | undefined;
  routes(): Iterable<RouteTelemetry>;
  pools(): Iterable<PoolTelemetry>;
}
