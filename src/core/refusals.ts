import type { Measured, Refusal } from '../errors.js';
import type { Ticket } from './ticket.js';

/** Where a ticket was when it was refused; `handler`: it had its seat, and its work was cut short or failed. */
export type Stage = 'arrival' | 'queue' | 'dispatch' | 'handler';

/** Sums of decimals are a little beside what they stand for. */
const NOISE = 1e-6;

/** Milliseconds as a problem document shows them. */
export function shown(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** As {@link shown}, for what must not look less than it is: it was too much, or is needed. */
export function shownAtLeast(ms: number): number {
  return Math.ceil(ms * 10 - NOISE) / 10;
}

/** As {@link shown}, for what must not look more than it is: it was too little, or is the bound. */
export function shownAtMost(ms: number): number {
  return Math.floor(ms * 10 + NOISE) / 10;
}

/** The answer would come after the deadline, as far as can be predicted. */
export function deadlineUnreachable(
  route: string,
  timeLeftMs: number,
  waitMs: number,
  serviceMs: number,
  stage: Stage = 'queue',
): Refusal {
  return {
    code: 'deadline_unreachable',
    status: 503,
    outcome: 'not_started',
    detail: 'The answer would come too late: predicted wait and service exceed the time left. Nothing was started.',
    // With the same time left, the wait has to shrink by what is missing; no wait makes up for too little time.
    retryAfterMs: Math.min(waitMs, Math.max(0, waitMs + serviceMs - timeLeftMs)),
    measured: {
      stage,
      route,
      time_left_ms: shownAtMost(timeLeftMs),
      predicted_wait_ms: shown(waitMs),
      expected_service_ms: shown(serviceMs),
      passes_with_ms: shownAtLeast(waitMs + serviceMs),
    },
  };
}

/** The deadline passed while the request was queued. */
export function expiredInQueue(nowMs: number, ticket: Ticket): Refusal {
  const queueWaitMs = nowMs - ticket.queuedAtMs;
  return {
    code: 'deadline_expired',
    status: 503,
    outcome: 'not_started',
    detail: 'The deadline passed while the request waited for its turn. Nothing was started.',
    retryAfterMs: queueWaitMs,
    measured: { stage: 'queue', route: ticket.route.name, queue_wait_ms: shown(queueWaitMs), ...needed(nowMs, ticket) },
  };
}

/** The deadline passed before the request was complete. */
export function expiredOnArrival(nowMs: number, ticket: Ticket): Refusal {
  return {
    code: 'deadline_expired',
    status: 503,
    outcome: 'not_started',
    detail: 'The deadline passed while the request was still arriving. Nothing was started.',
    measured: { stage: 'arrival', route: ticket.route.name, ...needed(nowMs, ticket) },
  };
}

/** What the request was given, and what it would have taken at least: all until now, and its work. */
function needed(nowMs: number, { route, arrivedAtMs, allowedMs }: Ticket): Measured {
  const serviceMs = route.times.p50(nowMs);
  return {
    deadline_ms: shown(allowedMs),
    expected_service_ms: shown(serviceMs),
    needed_at_least_ms: shownAtLeast(nowMs - arrivedAtMs + serviceMs),
  };
}

/** The server behind the pool cannot be reached, and the deadline does not allow waiting it out. */
export function databaseUnavailable(measured: Measured, retryAfterMs: number): Refusal {
  return {
    code: 'database_unavailable',
    status: 503,
    outcome: 'not_started',
    detail: 'The database cannot be reached at present. Nothing was started; try again later.',
    retryAfterMs,
    measured,
  };
}

/** An outage of the server has lasted for too long: nobody waits for its end any more. */
export function outageGivenUp(nowMs: number, { route, queuedAtMs }: Ticket, lastedMs: number): Refusal {
  const measured = {
    stage: 'queue',
    route: route.name,
    down_for_ms: Math.round(lastedMs),
    queue_wait_ms: shown(nowMs - queuedAtMs),
  };
  return databaseUnavailable(measured, 1_000);
}
