import { binsSince, quantileOf } from '../../src/telemetry/duration-bins.js';
import type { PoolSnapshot, RouteSnapshot, Snapshot } from '../../src/telemetry/snapshot.js';
import type { FleetTelemetry } from '../../src/telemetry/source.js';

/** A snapshot and when it was taken, in monotonic ms. */
export interface Taken {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

/** Three quantiles in ms, `null` where nothing was observed: of each duration that the slowest are of interest of. */
export interface Spread {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** One route as the dashboard shows it: rates per second of the last step, durations of the last ten seconds. */
export interface RouteView {
  readonly name: string;
  readonly pool: string | null;
  readonly priority: RouteSnapshot['priority'];
  readonly arrived: number;
  readonly admitted: number;
  readonly shed: number;
  /** Only the codes that there were; in mode `observe`, what would have been shed. */
  readonly shedByCode: Readonly<Record<string, number>>;
  /** Requests that ended before their seat without being shed: the client left, or the body could not be read. */
  readonly left: number;
  /** Error answers after admission, likewise. */
  readonly errorsByCode: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly inFlight: number;
  readonly wait: Spread;
  readonly service: Spread;
  readonly response: Spread;
  /** Time left when the seat was there: of half of the requests, and of the one in twenty with the least. */
  readonly timeLeft: { readonly p50: number | null; readonly p5: number | null };
}

/** Everything that the dashboard shows of one instant. */
export interface DashboardView {
  /** The wall clock, in ms since 1970. */
  readonly at: number;
  readonly mode: Snapshot['mode'];
  readonly draining: boolean;
  readonly eventLoopLagMs: number;
  readonly fleet: FleetTelemetry | null;
  readonly routes: readonly RouteView[];
  readonly pools: readonly PoolSnapshot[];
  /** What each pool suffers from; absent where nothing is known yet. */
  readonly diagnoses: Snapshot['diagnoses'];
  readonly seatHogs: Snapshot['seatHogs'];
}

/**
 * What there is to see at the newest of some snapshots.
 *
 * @param taken - At least one, oldest first, of one gateway: rates are of the last two, durations of all.
 * @param wallMs - The wall clock at the newest, in ms since 1970.
 */
export function viewOf(taken: readonly Taken[], wallMs: number): DashboardView | undefined {
  const newest = taken.at(-1);
  if (newest === undefined) return undefined;
  const previous = taken.at(-2) ?? newest;
  const oldest = taken[0] ?? newest;
  const { mode, draining, eventLoopLagMs, fleet, pools, routes, binsMs } = newest.snapshot;
  const seconds = Math.max(0.001, (newest.atMs - previous.atMs) / 1000);
  const views = routes.map((route, index): RouteView => {
    const before = previous.snapshot.routes[index] ?? route;
    const first = oldest.snapshot.routes[index] ?? route;
    const rate = (now: number, then: number): number => rounded((now - then) / seconds);
    const shedding = mode === 'observe' ? 'wouldShedByCode' : 'shedByCode';
    const shedByCode = rates(route[shedding], before[shedding], seconds);
    const quantiles = (of: DurationName): ((share: number) => number | null) => {
      const seen = binsSince(route[of].filled, first[of].filled);
      return (share) => rounded(quantileOf(share, seen, binsMs) ?? null);
    };
    const spread = (of: DurationName): Spread => {
      const quantile = quantiles(of);
      return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
    };
    const timeLeft = quantiles('timeLeft');
    return {
      name: route.name,
      pool: route.pool,
      priority: route.priority,
      arrived: rate(route.arrived, before.arrived),
      admitted: rate(route.admitted, before.admitted),
      shed: rounded(Object.values(shedByCode).reduce((sum, value) => sum + value, 0)),
      shedByCode,
      left: rate(route.abandonedBeforeAdmission, before.abandonedBeforeAdmission),
      errorsByCode: rates(route.errorsByCode, before.errorsByCode, seconds),
      waiting: route.undecided,
      inFlight: route.inFlight,
      wait: spread('queueWait'),
      service: spread('seatHold'),
      response: spread('response'),
      timeLeft: { p50: timeLeft(0.5), p5: timeLeft(0.05) },
    };
  });
  const { diagnoses, seatHogs } = newest.snapshot;
  const figures = { routes: views, pools, diagnoses, seatHogs };
  return { at: wallMs, mode, draining, eventLoopLagMs: rounded(eventLoopLagMs), fleet, ...figures };
}

type DurationName = 'queueWait' | 'seatHold' | 'response' | 'timeLeft';

function rates(
  now: Readonly<Record<string, number>>,
  then: Readonly<Record<string, number>>,
  seconds: number,
): Record<string, number> {
  const changed = Object.entries(now).map(([code, count]) => [code, (count - (then[code] ?? 0)) / seconds] as const);
  return Object.fromEntries(changed.filter(([, value]) => value > 0).map(([code, value]) => [code, rounded(value)]));
}

function rounded<Value extends number | null>(value: Value): Value {
  return (value === null ? null : Math.round(value * 10) / 10) as Value;
}
