import { binsSince, quantileOf } from '../../telemetry/duration-bins.js';
import type { HistogramSnapshot, RouteSnapshot, Snapshot } from '../../telemetry/snapshot.js';

/** A snapshot, and when it was read in monotonic milliseconds. */
export interface Reading {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

/** One route between two readings. */
export interface RouteInterval {
  readonly name: string;
  readonly priority: string;
  readonly pool: string;
  readonly inFlight: number;
  readonly arrivedPerSecond: number;
  readonly admittedPerSecond: number;
  readonly shedPerSecond: number;
  /** Those that ended before their seat without being shed: the client left, or the body could not be read. */
  readonly leftPerSecond: number;
  /** The code by which most were shed; in mode observe, would have been. */
  readonly mostShedBy: string | undefined;
  /** In milliseconds; `undefined` where nothing was measured. */
  readonly waitP99Ms: number | undefined;
  readonly responseP50Ms: number | undefined;
  readonly responseP99Ms: number | undefined;
}

/** What happened on each route between two readings; without an earlier one, since the start. */
export function routeIntervals(now: Reading, before: Reading | undefined): RouteInterval[] {
  const seconds = before === undefined ? Number.NaN : (now.atMs - before.atMs) / 1_000;
  return now.snapshot.routes.map((route) => {
    const earlier = before?.snapshot.routes.find(({ name }) => name === route.name);
    // Counters that went down are those of a process that was started again.
    const past = earlier !== undefined && earlier.arrived <= route.arrived ? earlier : undefined;
    return routeInterval(route, past, seconds, now.snapshot.binsMs);
  });
}

/** A gateway of an older version tells of no bins. */
type Told = Partial<Pick<HistogramSnapshot, 'filled'>>;

function routeInterval(
  route: RouteSnapshot,
  past: RouteSnapshot | undefined,
  seconds: number,
  binsMs: Snapshot['binsMs'],
): RouteInterval {
  const perSecond = (of: (each: RouteSnapshot) => number): number => (of(route) - (past ? of(past) : 0)) / seconds;
  const quantile = (of: (each: RouteSnapshot) => Told, share: number): number | undefined =>
    quantileOf(share, binsSince(of(route).filled ?? [], past && of(past).filled), binsMs);
  const { name, priority, pool, inFlight } = route;
  return {
    name,
    priority,
    pool: pool ?? '-',
    inFlight,
    arrivedPerSecond: perSecond(({ arrived }) => arrived),
    admittedPerSecond: perSecond(({ admitted }) => admitted),
    shedPerSecond: perSecond(({ shed }) => shed),
    leftPerSecond: perSecond(({ abandonedBeforeAdmission }) => abandonedBeforeAdmission),
    mostShedBy: mostCounted(route, past),
    waitP99Ms: quantile(({ queueWait }) => queueWait, 0.99),
    responseP50Ms: quantile(({ response }) => response, 0.5),
    responseP99Ms: quantile(({ response }) => response, 0.99),
  };
}

function mostCounted(route: RouteSnapshot, past: RouteSnapshot | undefined): string | undefined {
  const counts = (codes: object, before: object = {}): [string, number][] => {
    const earlier = new Map<string, number>(Object.entries(before));
    return Object.entries(codes).map(([code, count]) => [code, Number(count) - (earlier.get(code) ?? 0)]);
  };
  const all = [
    ...counts(route.shedByCode, past?.shedByCode),
    ...counts(route.wouldShedByCode, past?.wouldShedByCode).map(([code, n]): [string, number] => [`(${code})`, n]),
  ];
  const [most] = all.filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a);
  return most?.[0];
}
