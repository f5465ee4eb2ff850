import type { Refusal } from '../errors.js';
import type { Outage } from './outage.js';
import { type PriorityRank, TOP_RANK } from './priority.js';
import { databaseUnavailable, deadlineUnreachable, expiredInQueue } from './refusals.js';
import type { RouteLoad, Ticket } from './ticket.js';

/** A route that is refused on its estimate alone is let through this often, so that the estimate can be wrong. */
const PROBE_EVERY_MS = 1_000;
/** Far above the rounding of instants that are added and subtracted, far below any budget that a client would name. */
const ROUNDING_MS = 1e-3;
/** Work that may be queued in any case, as milliseconds of wait. */
const LEAST_QUEUE_MS = { top: 300, lower: 150 } as const;

/**
 * A budget below the route's median service: hopeless even with a free seat. A request with all the time that the route
 * gives is never refused for this, or a few time-outs would teach the route to refuse everybody and learn nothing more.
 */
export function hopeless(nowMs: number, { route, allowedMs, deadlineAtMs }: Ticket): boolean {
  if (allowedMs >= route.deadlineMs - ROUNDING_MS) return false;
  const timeLeftMs = deadlineAtMs - nowMs;
  return route.times.p50(nowMs) > timeLeftMs && !probes(nowMs, route) && !refuted(route, timeLeftMs);
}

/** What a hopeless one is told, with the wait that it would have. */
export function hopelessRefusal(nowMs: number, { route, deadlineAtMs }: Ticket, waitMs: number): Refusal {
  // Whoever has to wait is judged by p90 then.
  const serviceMs = waitMs > 0 ? route.times.p90(nowMs) : route.times.p50(nowMs);
  return deadlineUnreachable(route.name, deadlineAtMs - nowMs, waitMs, serviceMs, 'arrival');
}

/** Whether an arrival that would wait for so long can be answered in time. */
export function mayWait(nowMs: number, ticket: Ticket, waitMs: number): Refusal | undefined {
  const { route } = ticket;
  const timeLeftMs = ticket.deadlineAtMs - nowMs;
  const p90 = route.times.p90(nowMs);
  if (waitMs + p90 <= timeLeftMs || probes(nowMs, route)) return undefined;
  return deadlineUnreachable(route.name, timeLeftMs, waitMs, p90, 'arrival');
}

/** Whether an arrival can wait for the end of an outage, and then for a backlog of so many milliseconds. */
export function mayWaitOut(nowMs: number, ticket: Ticket, waitMs: number, outage: Outage): Refusal | undefined {
  const { route } = ticket;
  const outageMs = outage.expectedMs(nowMs);
  const neededMs = outageMs + waitMs + route.times.p90(nowMs);
  if (outageMs > 0 && nowMs + neededMs <= ticket.deadlineAtMs) return undefined;
  const measured = {
    stage: ticket.state === 'queued' ? 'queue' : 'arrival',
    route: route.name,
    down_for_ms: Math.round(outage.lastedMs(nowMs)),
    time_left_ms: Math.round(ticket.deadlineAtMs - nowMs),
    // Once it is given up nobody knows how long it lasts.
    ...(outageMs > 0 ? { passes_with_ms: Math.ceil(neededMs) } : {}),
  };
  return databaseUnavailable(measured, Math.max(1_000, outageMs));
}

/** A ticket whose turn has come after its deadline. */
export function expired(nowMs: number, ticket: Ticket): Refusal | undefined {
  return ticket.deadlineAtMs <= nowMs ? expiredInQueue(nowMs, ticket) : undefined;
}

/**
 * Whether a ticket whose turn has come can still make its deadline. One that has begun already may try to the end, and
 * its owner knows where that is: a streamed answer that has begun has met its deadline.
 */
export function mayStart(nowMs: number, ticket: Ticket): Refusal | undefined {
  const { route } = ticket;
  const timeLeftMs = ticket.deadlineAtMs - nowMs;
  if (ticket.heldBeforeMs > 0) return undefined;
  if (timeLeftMs <= 0) return expired(nowMs, ticket);
  const p90 = route.times.p90(nowMs);
  if (p90 <= timeLeftMs || probes(nowMs, route, 1)) return undefined;
  return deadlineUnreachable(route.name, timeLeftMs, 0, p90, 'dispatch');
}

/**
 * The last instant at which a ticket that was just queued can start and be done by its deadline, as far as can be
 * predicted; not before now. One that was let in to prove the estimate wrong has all its time.
 */
export function lastStartMs(nowMs: number, { deadlineAtMs, route }: Ticket): number {
  const startMs = deadlineAtMs - route.times.p90(nowMs);
  if (startMs > nowMs) return startMs;
  return probes(nowMs, route, 1) ? Math.max(nowMs, deadlineAtMs) : nowMs;
}

/** A queue may take so long to drain: a share of the deadline, and never less than a few services need. */
export function queueBoundMs(nowMs: number, route: RouteLoad, rank: PriorityRank): number {
  const leastMs = rank === TOP_RANK ? LEAST_QUEUE_MS.top : LEAST_QUEUE_MS.lower;
  return Math.min(route.deadlineMs / 4, Math.max(leastMs, 2 * route.times.p50(nowMs)));
}

/** Whether a ticket may prove the estimate of its route wrong; `own` is 1 for one that is queued itself. */
function probes(nowMs: number, route: RouteLoad, own: 0 | 1 = 0): boolean {
  return route.queued <= own && nowMs - route.lastLeaseMs >= PROBE_EVERY_MS;
}

/**
 * Whether the last one that got a seat has shown that there is time enough: then the next may try as well. A route that
 * was slow for a while is found quick again one request after the other, and if it is not, one seat at most is lost to it.
 */
function refuted({ times, lastLeaseMs }: RouteLoad, timeLeftMs: number): boolean {
  return times.tookSince(lastLeaseMs) <= timeLeftMs;
}
