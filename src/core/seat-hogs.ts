/** What one route has taken of the seats of its pool. */
export interface SeatUse {
  readonly route: string;
  /** Whose seats they are; routes without a pool are left out. */
  readonly pool: string | undefined;
  /** Requests that have ended. */
  readonly requests: number;
  /** How long they held their seats together, in milliseconds. */
  readonly heldMs: number;
}

/** A route that holds the seats of a pool out of all proportion to its requests. */
export interface SeatHog {
  readonly route: string;
  readonly pool: string;
  /** Its part of the pool's requests, 0 to 1. */
  readonly requestShare: number;
  /** Its part of the time for which the pool's seats were held, 0 to 1. */
  readonly seatTimeShare: number;
  /** How long one of its requests holds a seat on average, in milliseconds. */
  readonly meanHoldMs: number;
}

/** Of a pool with fewer requests nothing is said. */
const LEAST_REQUESTS = 100;
/** A route that holds less of the seats than this is in nobody's way. */
const LEAST_SHARE = 0.2;
/** Out of proportion: so many times as much of the seats as of the requests. */
const TIMES = 5;

/**
 * Names the routes that should have a pool of their own: a few of the requests that hold most of the seats' time. The
 * one that holds most comes first. A pool with one route has none: nobody else is there to suffer.
 */
export function seatHogs(uses: Iterable<SeatUse>): SeatHog[] {
  const hogs: SeatHog[] = [];
  for (const [pool, routes] of byPool(uses)) {
    const requests = sum(routes, (use) => use.requests);
    const heldMs = sum(routes, (use) => use.heldMs);
    if (requests < LEAST_REQUESTS || heldMs === 0) continue;
    for (const use of routes) {
      const requestShare = use.requests / requests;
      const seatTimeShare = use.heldMs / heldMs;
      if (seatTimeShare < LEAST_SHARE || seatTimeShare < TIMES * requestShare) continue;
      hogs.push({ route: use.route, pool, requestShare, seatTimeShare, meanHoldMs: use.heldMs / use.requests });
    }
  }
  return hogs.sort((a, b) => b.seatTimeShare - a.seatTimeShare);
}

function byPool(uses: Iterable<SeatUse>): Map<string, SeatUse[]> {
  const pools = new Map<string, SeatUse[]>();
  for (const use of uses) {
    if (use.pool === undefined || use.requests === 0) continue;
    const routes = pools.get(use.pool);
    if (routes === undefined) pools.set(use.pool, [use]);
    else routes.push(use);
  }
  return pools;
}

function sum(uses: readonly SeatUse[], of: (use: SeatUse) => number): number {
  return uses.reduce((total, use) => total + of(use), 0);
}
