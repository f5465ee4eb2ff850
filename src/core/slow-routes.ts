import { type PoolFigures, type RouteFigures, slowness, sum } from './pool-figures.js';

/** Work is slow from here on, in multiples of its quiet time. */
export const SLOW = 2;
/** Not slow below this. */
export const STEADY = 1.3;
/** What a route with less of the seats' time does is no matter. */
const MATTERS = 0.1;
/** One route has most of the seats. */
const MOST_SEATS = 0.5;
/** A route of another pool is a witness from here on. */
const LEAST_BESIDE = 5;

/** A route that has become slow while the others have not, or are nothing beside it. */
export function slowRoute(routes: readonly RouteFigures[]): RouteFigures | undefined {
  const slow = slowest(routes);
  if (slow === undefined) return undefined;
  const others = routes.filter((route) => route !== slow && route.ended > 0 && route.quietMs !== undefined);
  if (others.length > 0) return others.every((route) => slowness(route) <= STEADY) ? slow : undefined;
  // Alone on the pool, it is the query when seats are no matter: a server that is short of something sheds as well.
  const heldMs = sum(routes, (route) => route.heldMs);
  return routes.length > 1 && slow.heldMs / heldMs >= MOST_SEATS ? slow : undefined;
}

/** The slow one, where no other route of the pool ran. */
export function slowAlone(routes: readonly RouteFigures[]): RouteFigures | undefined {
  const [only, ...others] = routes.filter((route) => route.ended > 0 && route.quietMs !== undefined);
  return others.length === 0 && only !== undefined && only === slowest(routes) ? only : undefined;
}

/** Whether the work of a route takes far longer than in quiet times. */
export function isSlow(route: RouteFigures): boolean {
  return slowness(route) >= SLOW;
}

/** The slowest of those that matter, if any is slow. */
export function slowest(routes: readonly RouteFigures[]): RouteFigures | undefined {
  const heldMs = sum(routes, (route) => route.heldMs);
  const matter = routes.filter((route) => route.heldMs >= heldMs * MATTERS);
  return matter.filter(isSlow).sort((a, b) => slowness(b) - slowness(a))[0];
}

/** Whether what ran on other pools of the server is as quick as ever. */
export function quickBeside(pool: PoolFigures): boolean {
  const witnesses = besides(pool);
  return witnesses.length > 0 && witnesses.every((route) => slowness(route) <= STEADY);
}

/** Whether anything that ran on other pools of the server has become slow. */
export function slowBeside(pool: PoolFigures): boolean {
  return besides(pool).some(isSlow);
}

function besides({ beside = [] }: PoolFigures): RouteFigures[] {
  return beside.filter(({ ended, quietMs }) => ended >= LEAST_BESIDE && quietMs !== undefined);
}
