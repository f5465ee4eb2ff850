import { type Diagnosis, diagnose } from '../core/diagnosis.js';
import { checkKnownOptions } from '../core/known-options.js';
import type { PoolFigures, RouteFigures, ServerFigures } from '../core/pool-figures.js';
import type { PoolSnapshot, RouteSnapshot, Snapshot } from '../telemetry/snapshot.js';
import { FOR_WANT_OF_SEATS } from './want-of-seats.js';

/** What {@link diagnosePools} may be told beside two snapshots. */
export interface DiagnoseOptions {
  /** A snapshot of quiet times: what work takes is compared with it. Default: what was counted before `earlier`. */
  readonly quiet?: Snapshot;
  /** What the servers said meanwhile, by the name of the pool. Without it locks cannot be told from a slow query. */
  readonly servers?: Readonly<Record<string, ServerFigures>>;
}

/**
 * Tells for each pool what is the matter between two snapshots: the pool is too small, a query is slow, locks are
 * contended, or the server is saturated.
 *
 * @param now - Taken last.
 * @param earlier - Taken a while before, some seconds at least, of the same gateway.
 * @throws TypeError for what is no snapshot, and unknown options.
 * @throws RangeError for snapshots in the wrong order, or of a gateway before and after a restart.
 */
export function diagnosePools(now: Snapshot, earlier: Snapshot, options: DiagnoseOptions = {}): Diagnosis[] {
  checkSnapshot('now, the first argument,', now);
  checkSnapshot('earlier, the second argument,', earlier);
  checkKnownOptions('diagnosePools()', options, ['quiet', 'servers']);
  if (options.quiet !== undefined) checkSnapshot('quiet', options.quiet);
  checkOrder(now, earlier);
  const quiet = options.quiet ?? earlier;
  const quietOf = (name: string): number | undefined => quietMs(quiet.routes.find((route) => route.name === name));
  return now.pools.map((pool) =>
    diagnose({ ...poolFigures(pool, now, earlier, quietOf), server: options.servers?.[pool.name] }),
  );
}

/** It may come from code without types, or have come as JSON. */
function checkSnapshot(what: string, given: unknown): void {
  const held: object = typeof given === 'object' && given !== null ? given : {};
  if (Array.isArray(Reflect.get(held, 'routes')) && Array.isArray(Reflect.get(held, 'pools'))) return;
  const object = given === null ? 'null' : 'an object without routes and pools';
  const kind = typeof given === 'object' ? object : typeof given;
  throw new TypeError(`${what} of diagnosePools() is ${kind}: give what gateway.snapshot() returned`);
}

/** What is counted never becomes less. */
const COUNTED: Readonly<Record<string, (route: RouteSnapshot) => number>> = {
  arrived: ({ arrived }) => arrived,
  admitted: ({ admitted }) => admitted,
  ended: ({ seatHold }) => seatHold.count,
};

function checkOrder(now: Snapshot, earlier: Snapshot): void {
  for (const route of now.routes) {
    for (const [figure, read] of Object.entries(COUNTED)) {
      const [before, after] = [readEarlier(earlier, route, read), read(route)];
      if (after >= before) continue;
      throw new RangeError(
        `diagnosePools(): route "${route.name}" has ${after} ${figure} in now, the first argument, and ${before} in ` +
          'earlier, the second: give the snapshot that was taken last first, and two of one run of one gateway',
      );
    }
  }
}

/** What happened on a pool between two snapshots; `quietOf` tells how long the work of a route takes in quiet times. */
export function poolFigures(
  pool: PoolSnapshot,
  now: Snapshot,
  earlier: Snapshot,
  quietOf: (route: string) => number | undefined,
): PoolFigures {
  const routes = now.routes.filter((route) => route.pool === pool.name);
  const neighbours = now.pools.filter(({ name, server }) => name !== pool.name && server === pool.server);
  const figuresOf = (route: RouteSnapshot): RouteFigures => ({
    name: route.name,
    ended: route.seatHold.count - readEarlier(earlier, route, ({ seatHold }) => seatHold.count),
    heldMs: route.seatHold.sumMs - readEarlier(earlier, route, ({ seatHold }) => seatHold.sumMs),
    quietMs: quietOf(route.name),
  });
  const since = (read: (route: RouteSnapshot) => number): number =>
    routes.reduce((sum, route) => sum + read(route) - readEarlier(earlier, route, read), 0);
  return {
    name: pool.name,
    down: pool.state === 'down',
    seats: pool.seats.limit,
    admitted: since((route) => route.admitted),
    waitedMs: since((route) => route.queueWait.sumMs),
    shed: since((route) => FOR_WANT_OF_SEATS.reduce((sum, code) => sum + route.shedByCode[code], 0)),
    routes: routes.map(figuresOf),
    beside: now.routes.filter((route) => neighbours.some(({ name }) => name === route.pool)).map(figuresOf),
  };
}

function readEarlier(earlier: Snapshot, { name }: RouteSnapshot, read: (route: RouteSnapshot) => number): number {
  const route = earlier.routes.find((other) => other.name === name);
  return route === undefined ? 0 : read(route);
}

/** A handful of requests may have been any; so many are a habit. */
export const LEAST_QUIET = 20;

function quietMs(route: RouteSnapshot | undefined): number | undefined {
  if (route === undefined || route.seatHold.count < LEAST_QUIET) return undefined;
  return route.seatHold.sumMs / route.seatHold.count;
}
