import type { Bulkhead } from '../../core/bulkhead.js';
import { Ticket } from '../../core/ticket.js';
import type { RouteSettings } from '../../telemetry/decision-log/policy-settings.js';
import type { HoldTimes } from './hold-times.js';
import type { LoggedRequest } from './logged-request.js';
import type { ReplayedRoute } from './replayed-policy.js';

/** A timer that is later than this was not that timer, unless it was due at the same instant. */
const TIMER_LATE_MS = 20;

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
 * @param cost - Seats that every request of the route asks for now; without it, what this one asked for.
 */
export function attemptOf(
  request: LoggedRequest,
  route: ReplayedRoute,
  logged: RouteSettings | undefined,
  cost: number | undefined,
): Attempt {
  const { rank, arrivedAtMs, deadlineAtMs, tenant, seats, slot } = request;
  const known = slot === undefined ? undefined : route.gate?.slots[slot];
  if (known !== undefined) return { request, route, ticket: known, charged: true };
  const deadlineMs = deadlineAtMs - arrivedAtMs;
  const whole = logged !== undefined && Math.abs(deadlineMs - logged.deadlineMs) < 1e-3;
  const allowedMs = whole ? route.deadlineMs : Math.min(deadlineMs, route.deadlineMs);
  const newRank = rank === logged?.rank ? route.rank : rank > route.rank ? rank : route.rank;
  const ticket = new Ticket(undefined, route, newRank, arrivedAtMs, arrivedAtMs + allowedMs, tenant, cost ?? seats);
  return { request, route, ticket, charged: false };
}

/** How work ends that is on its seat. */
export interface WorkEnd {
  /** `Infinity` where nothing ends it. */
  readonly atMs: number;
  /** Whether before it was done. */
  readonly cutShort: boolean;
  /** It is the very end of the log. */
  readonly asLogged: boolean;
}

/** How work ends that is on its seat at `nowMs`. */
export function endOf(nowMs: number, { request, ticket }: Attempt, holds: HoldTimes): WorkEnd {
  const { leasedAtMs, endedAtMs, cutShort, carriedOver, deadlineAtMs } = request;
  // To the last bit, or nothing after it would be as it was.
  if (nowMs === leasedAtMs && endedAtMs !== undefined && ticket.deadlineAtMs >= deadlineAtMs) {
    return { atMs: endedAtMs, cutShort, asLogged: true };
  }
  const heldMs = carriedOver && leasedAtMs !== undefined ? nowMs - leasedAtMs : 0;
  const doneAtMs = nowMs + Math.max(0, holds.of(request) - heldMs);
  // Whoever was cut short before the deadline had a client that left, and leaves again.
  const left = cutShort && endedAtMs !== undefined && endedAtMs < deadlineAtMs;
  const stopAtMs = Math.max(nowMs, Math.min(ticket.deadlineAtMs, left ? endedAtMs : Number.POSITIVE_INFINITY));
  return { atMs: Math.min(stopAtMs, doneAtMs), cutShort: stopAtMs < doneAtMs, asLogged: false };
}

/**
 * What a route learns from the end of work at `nowMs`, in milliseconds: what it learnt then, or what is left without
 * the time for which the process or the pool stood still. `undefined` for nothing.
 */
export function learntOf(
  nowMs: number,
  { request, ticket }: Attempt,
  bulkhead: Bulkhead<undefined>,
  { asLogged }: WorkEnd,
): number | undefined {
  const { leasedAtMs, endedAtMs, learntMs } = request;
  if (asLogged) return learntMs;
  // An outage tells nothing of the route.
  if (bulkhead.outage.down) return undefined;
  const known = leasedAtMs !== undefined && endedAtMs !== undefined && learntMs !== undefined;
  const stoodMs = known ? endedAtMs - leasedAtMs - learntMs : 0;
  return Math.max(0, nowMs - ticket.leasedAtMs - Math.max(stoodMs, bulkhead.stoodStillMs(nowMs, ticket)));
}

/** When a timer fires that gives a queued request up and is due at `dueAtMs`: never early, and as late as it was. */
export function timerAtMs(dueAtMs: number, { givesUpAtMs, enteredAtMs, leasedAtMs, endedAtMs }: LoggedRequest): number {
  const waitedUntilMs = leasedAtMs ?? endedAtMs;
  if (waitedUntilMs === undefined || waitedUntilMs < dueAtMs) return dueAtMs;
  const same = givesUpAtMs !== undefined && Math.max(givesUpAtMs, enteredAtMs) === dueAtMs;
  return same || (leasedAtMs === undefined && waitedUntilMs - dueAtMs < TIMER_LATE_MS) ? waitedUntilMs : dueAtMs;
}
