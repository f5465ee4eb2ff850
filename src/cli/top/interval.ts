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
    return routeInterval(route, past, seconds, now.snapshot.bucketBoundsMs);
  });
}

function routeInterval(
  route: RouteSnapshot,
  past: RouteSnapshot | undefined,
  seconds: number,
  bounds: readonly number[],
): RouteInterval {
  const perSecond = (of: (each: RouteSnapshot) => number): number => (of(route) - (past ? of(past) : 0)) / seconds;
  const quantile = (of: (each: RouteSnapshot) => HistogramSnapshot, share: number): number | undefined =>
    quantileBetween(of(route), past && of(past), bounds, share);
  const { name, priority, pool, inFlight } = route;
  return {
    name,
    priority,
    pool: pool ?? '-',
    inFlight,
    arrivedPerSecond: perSecond(({ arrived }) => arrived),
    admittedPerSecond: perSecond(({ admitted }) => admitted),
    shedPerSecond: perSecond(({ shed }) => shed),
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

/**
 * A quantile of what was observed between two snapshots, by linear interpolation within its bucket; of the last,
 * open one its beginning.
 */
export function quantileBetween(
  now: HistogramSnapshot,
  past: HistogramSnapshot | undefined,
  bounds: readonly number[],
  share: number,
): number | undefined {
  const below = (index: number): number => (now.cumulative[index] ?? 0) - (past?.cumulative[index] ?? 0);
  const count = now.count - (past?.count ?? 0);
  if (count <= 0) return undefined;
  const rank = share * count;
  const index = bounds.findIndex((_, at) => below(at) >= rank);
  if (index < 0) return bounds.at(-1);
  const [from, to] = [index === 0 ? 0 : (bounds[index - 1] ?? 0), bounds[index] ?? 0];
  const [fewer, more] = [index === 0 ? 0 : below(index - 1), below(index)];
  return from + (to - from) * ((rank - fewer) / Math.max(1, more - fewer));
}
