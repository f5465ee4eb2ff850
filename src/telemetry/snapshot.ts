import type { PoolAdvice } from '../core/advisor.js';
import type { Diagnosis } from '../core/diagnosis.js';
import { PRIORITY_CLASSES, type PriorityClass } from '../core/priority.js';
import { type SeatHog, type SeatUse, seatHogs } from '../core/seat-hogs.js';
import { BINS_MS, BUCKET_BOUNDS_MS, quantileOf } from './duration-bins.js';
import type { Histogram } from './histogram.js';
import type { CodeCounts, RouteOutcome } from './route-stats.js';
import type {
  CircuitTelemetry,
  ConnectionGauges,
  FleetTelemetry,
  LaneGauges,
  OwnSeats,
  PoolTelemetry,
  RetryOutcome,
  RouteTelemetry,
  SeatTuning,
  TelemetrySource,
} from './source.js';

/** A histogram since the start. Two snapshots subtract to the histogram of the time between them. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sumMs: number;
  /** Within 4.5 %, as all quantiles; `null` before the first observation. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  /** Observations at or below each of {@link Snapshot.bucketBoundsMs}. */
  readonly cumulative: readonly number[];
  /** The same, finer: the bins that hold something, ascending, each with its count. See {@link Snapshot.binsMs}. */
  readonly filled: readonly (readonly [bin: number, count: number])[];
}

/** One route's counters since the start. */
export interface RouteSnapshot {
  readonly name: string;
  readonly pool: string | null;
  readonly priority: PriorityClass;
  /** `null` where its seats are those of a pool, or it has none. */
  readonly seats: OwnSeats | null;
  /** Absent where the fleet has no bound on its concurrent work. */
  readonly lane?: LaneGauges;
  readonly arrived: number;
  readonly admitted: number;
  readonly queued: number;
  readonly shed: number;
  readonly shedByCode: CodeCounts;
  readonly wouldShedByCode: CodeCounts;
  readonly errorsByCode: CodeCounts;
  /** Those that ended before admission without being shed: the client left, or the body could not be read. */
  readonly abandonedBeforeAdmission: number;
  readonly undecided: number;
  readonly inFlight: number;
  readonly ended: number;
  readonly outcomes: Readonly<Record<RouteOutcome, number>>;
  readonly lateWrites: number;
  readonly budgetsIgnored: number;
  readonly dirtyReturns: number;
  /** Handlers that had answered nothing at their deadline, and had nothing of the database at work. */
  readonly silentHandlers: number;
  /** Requests whose handler answered and kept connections, which were taken back. */
  readonly keptConnections: number;
  readonly queueWait: HistogramSnapshot;
  readonly wouldWait: HistogramSnapshot;
  /** Time left when the seat was there. */
  readonly timeLeft: HistogramSnapshot;
  readonly seatHold: HistogramSnapshot;
  readonly response: HistogramSnapshot;
}

/** What moves the concurrency limit of a pool, as plain data; `null` where it is not known. */
export interface TuningSnapshot {
  readonly reason: SeatTuning['reason'];
  readonly quietHoldMs: Readonly<Record<string, number>>;
  readonly quietDatabaseMs: number | null;
  readonly targetMs: number | null;
}

/** One pool at this instant. */
export interface PoolSnapshot {
  readonly name: string;
  /** Host and port of its server, or of the pooler before it: pools that have the same share it. */
  readonly server: string;
  readonly state: PoolTelemetry['state'];
  readonly breaker: NonNullable<PoolTelemetry['breaker']> | null;
  /** `null` without a breaker. */
  readonly circuit: CircuitTelemetry | null;
  readonly seats: {
    readonly limit: number;
    readonly max: number;
    /** `null` where the concurrency limit is fixed. */
    readonly tuning: TuningSnapshot | null;
    readonly inFlight: number;
    readonly headroom: number;
    readonly queuedByClass: Readonly<Record<PriorityClass, number>>;
  };
  /** Transactions that met a conflicting one and were declared repeatable, since the start. */
  readonly retries: Readonly<Record<RetryOutcome, number>>;
  /** Whether the pool should grow or shrink, and why; `null` where seats are not enforced. */
  readonly advice: PoolAdvice | null;
  readonly connections: ConnectionGauges;
}

/** Everything that a gateway can tell about itself at one instant, as plain data for JSON. */
export interface Snapshot {
  readonly mode: TelemetrySource['mode'];
  readonly draining: boolean;
  readonly eventLoopLagMs: number;
  /** `null` where the instance is alone. */
  readonly fleet: FleetTelemetry | null;
  readonly bucketBoundsMs: readonly number[];
  /** The duration that stands for each bin of a histogram, within 4.5 % of everything in it. */
  readonly binsMs: readonly number[];
  readonly routes: readonly RouteSnapshot[];
  readonly pools: readonly PoolSnapshot[];
  /** Routes that hold the seats of their pool out of all proportion to their requests, since the start. */
  readonly seatHogs: readonly SeatHog[];
  /**
   * Whether the pool, a query, locks or the server is at fault, for each pool: of the time since an earlier snapshot, of
   * ten to twenty seconds before where there was one. Empty in the first.
   */
  readonly diagnoses: readonly Diagnosis[];
}

/** Reads every figure once, and compares none. The result shares nothing with the live counters. */
export function snapshot(source: TelemetrySource): Snapshot {
  const routes = [...source.routes()];
  return {
    mode: source.mode,
    draining: source.draining,
    eventLoopLagMs: source.eventLoopLagMs,
    fleet: source.fleet === undefined ? null : { ...source.fleet },
    bucketBoundsMs: [...BUCKET_BOUNDS_MS],
    binsMs: [...BINS_MS],
    routes: routes.map(routeSnapshot),
    pools: Array.from(source.pools(), poolSnapshot),
    seatHogs: seatHogs(routes.map(seatUse)),
    diagnoses: [],
  };
}

function seatUse({ name, pool, stats }: RouteTelemetry): SeatUse {
  const { count, sumMs } = stats.seatHold;
  return { route: name, pool, requests: count, heldMs: sumMs };
}

function routeSnapshot({ name, pool, priority, stats, seats, lane }: RouteTelemetry): RouteSnapshot {
  return {
    name,
    pool: pool ?? null,
    priority,
    seats: seats === undefined ? null : { limit: seats.limit, inFlight: seats.inFlight, queued: seats.queued },
    ...(lane === undefined ? {} : { lane: { ...lane } }),
    arrived: stats.arrived,
    admitted: stats.admitted,
    queued: stats.queued,
    shed: stats.shed,
    shedByCode: { ...stats.shedByCode },
    wouldShedByCode: { ...stats.wouldShedByCode },
    errorsByCode: { ...stats.errorsByCode },
    abandonedBeforeAdmission: stats.abandonedBeforeAdmission,
    undecided: stats.undecided,
    inFlight: stats.inFlight,
    ended: stats.ended,
    outcomes: { ...stats.outcomes },
    lateWrites: stats.lateWrites,
    budgetsIgnored: stats.budgetsIgnored,
    dirtyReturns: stats.dirtyReturns,
    silentHandlers: stats.silentHandlers,
    keptConnections: stats.keptConnections,
    queueWait: histogramSnapshot(stats.queueWait),
    wouldWait: histogramSnapshot(stats.wouldWait),
    timeLeft: histogramSnapshot(stats.timeLeft),
    seatHold: histogramSnapshot(stats.seatHold),
    response: histogramSnapshot(stats.response),
  };
}

function histogramSnapshot(histogram: Histogram): HistogramSnapshot {
  const filled = histogram.filled();
  return {
    count: histogram.count,
    sumMs: histogram.sumMs,
    p50Ms: quantileOf(0.5, filled) ?? null,
    p90Ms: quantileOf(0.9, filled) ?? null,
    cumulative: histogram.cumulative(),
    filled,
  };
}

function poolSnapshot(pool: PoolTelemetry): PoolSnapshot {
  const { limit, max: seats, inFlight, headroom, queuedByClass, tuning } = pool.seats;
  const queued = (priority: PriorityClass): number => queuedByClass[PRIORITY_CLASSES.indexOf(priority)] ?? 0;
  // A pool at work tells its state along with them.
  const { state, ...connections }: ConnectionGauges & Partial<Pick<PoolTelemetry, 'state'>> = pool.gauges();
  return {
    name: pool.name,
    server: pool.at,
    state: pool.state,
    breaker: pool.breaker ?? null,
    circuit: pool.circuit === undefined ? null : { ...pool.circuit },
    seats: {
      limit,
      max: seats,
      tuning: tuning === undefined ? null : tuningSnapshot(tuning),
      inFlight,
      headroom,
      queuedByClass: {
        critical: queued('critical'),
        high: queued('high'),
        normal: queued('normal'),
        low: queued('low'),
      },
    },
    retries: { ...pool.retries },
    advice: pool.advice === undefined ? null : { ...pool.advice },
    connections,
  };
}

function tuningSnapshot({ reason, quietHoldMs, quietDatabaseMs, targetMs }: SeatTuning): TuningSnapshot {
  return {
    reason,
    quietHoldMs: { ...quietHoldMs },
    quietDatabaseMs: quietDatabaseMs ?? null,
    targetMs: targetMs ?? null,
  };
}
