import { Ticket } from '../../core/ticket.js';
import type { RouteSettings } from '../../telemetry/decision-log/policy-settings.js';
import type { HoldTimes } from './hold-times.js';
import type { LoggedRequest } from './logged-request.js';
import type { ReplayedRoute } from './replayed-policy.js';

/** A request under the other settings. */
export interface Attempt {
  readonly request: LoggedRequest;
  readonly route: ReplayedRoute;
  readonly ticket: Ticket<undefined>;
  /** Whether it has paid its tokens. */
  charged: boolean;
}

/**
 * A request as it comes to a route that is set otherwise: its class and its time may be others now, but what a client
 * shortened or lowered stays so. One that the state at the head has keeps its ticket, and has paid.
 *
 * @param logged - The route as it was set.
 */
export function attemptOf(request: LoggedRequest, route: ReplayedRoute, logged: RouteSettings | undefined): Attempt {
  const { rank, arrivedAtMs, deadlineAtMs, tenant, seats, slot } = request;
  const known = slot === undefined ? undefined : route.gate?.slots[slot];
  if (known !== undefined) return { request, route, ticket: known, charged: true };
  const deadlineMs = deadlineAtMs - arrivedAtMs;
  const whole = logged !== undefined && Math.abs(deadlineMs - logged.deadlineMs) < 1e-3;
  const allowedMs = whole ? route.deadlineMs : Math.min(deadlineMs, route.deadlineMs);
  const newRank = rank === logged?.rank ? route.rank : rank > route.rank ? rank : route.rank;
  const ticket = new Ticket(undefined, route, newRank, arrivedAtMs, arrivedAtMs + allowedMs, tenant, seats);
  return { request, route, ticket, charged: false };
}

/** When work that is on its seat at `nowMs` ends, and whether before it was done; `Infinity` where nothing ends it. */
export function endOf(
  nowMs: number,
  { request, ticket }: Attempt,
  holds: HoldTimes,
): { readonly atMs: number; readonly cutShort: boolean } {
  const { leasedAtMs, endedAtMs, cutShort, carriedOver, deadlineAtMs } = request;
  // To the last bit, or nothing after it would be as it was.
  if (nowMs === leasedAtMs && endedAtMs !== undefined && ticket.deadlineAtMs >= deadlineAtMs) {
    return { atMs: endedAtMs, cutShort };
  }
  const heldMs = carriedOver && leasedAtMs !== undefined ? nowMs - leasedAtMs : 0;
  const doneAtMs = nowMs + Math.max(0, holds.of(request) - heldMs);
  // Whoever was cut short before the deadline had a client that left, and leaves again.
  const left = cutShort && endedAtMs !== undefined && endedAtMs < deadlineAtMs;
  const stopAtMs = Math.max(nowMs, Math.min(ticket.deadlineAtMs, left ? endedAtMs : Number.POSITIVE_INFINITY));
  return { atMs: Math.min(stopAtMs, doneAtMs), cutShort: stopAtMs < doneAtMs };
}
