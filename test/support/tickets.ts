import type { PriorityRank } from '../../src/core/priority.js';
import { type HoldTimes, type RouteLoad, Ticket } from '../../src/core/ticket.js';

/** Hold times that are known and do not change. */
export function fixedTimes(p50: number, p90: number = p50, mean: number = p50): HoldTimes {
  return { p50: () => p50, p90: () => p90, meanMs: () => mean, tookSince: () => Number.POSITIVE_INFINITY };
}

/** A route for tests of admission. */
export function routeLoad(init: Partial<RouteLoad> = {}): RouteLoad {
  return {
    name: 'route',
    deadlineMs: 500,
    maxQueued: 1_000,
    times: fixedTimes(20),
    queued: 0,
    lastLeaseMs: Number.NEGATIVE_INFINITY,
    ...init,
  };
}

/** A ticket whose deadline is its route's. */
export function ticketOf(route: RouteLoad, rank: PriorityRank, nowMs: number, deadlineMs?: number): Ticket {
  return new Ticket<unknown>(undefined, route, rank, nowMs, nowMs + (deadlineMs ?? route.deadlineMs));
}
