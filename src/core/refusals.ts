import type { Measured, Refusal } from '../errors.js';

/** Where a ticket was when it was refused; `handler`: it had its seat, and its work was cut short or failed. */
export type Stage = 'arrival' | 'queue' | 'dispatch' | 'handler';

/** Milliseconds as a problem document shows them. */
function shown(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The queue in front of the pool holds as many tickets as it may. */
export function queueFull(route: string, queued: number, waitMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'Too many requests wait for this resource already. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: { stage: 'arrival', route, queued, predicted_wait_ms: shown(waitMs) },
  };
}

/** The queue of the class holds as much predicted work as it may; it takes `waitMs` to drain, and may take `boundMs`. */
export function queueTooLong(route: string, stage: Stage, queued: number, waitMs: number, boundMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'Too much work waits for this resource already. Nothing was started; try again later.',
    retryAfterMs: Math.max(0, waitMs - boundMs),
    measured: {
      stage,
      route,
      queued,
      predicted_wait_ms: shown(waitMs),
      passes_with_wait_ms: shown(boundMs),
    },
  };
}

/** Newer requests were served before it for so long that its time would be lost; the queue takes `waitMs` to drain. */
export function overtaken(route: string, queued: number, queueWaitMs: number, waitMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'More arrives than can be answered, and newer requests go first. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: {
      stage: 'queue',
      route,
      queued,
      queue_wait_ms: shown(queueWaitMs),
      predicted_wait_ms: shown(waitMs),
    },
  };
}

/** A more important request took the place in a queue that was full. */
export function displaced(route: string, by: string, queued: number, queueWaitMs: number, waitMs: number): Refusal {
  return {
    code: 'displaced',
    status: 503,
    outcome: 'not_started',
    detail: 'The queue was full and a more important request took the place. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: { stage: 'queue', route, displaced_by: by, queued, queue_wait_ms: shown(queueWaitMs) },
  };
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
      time_left_ms: shown(timeLeftMs),
      predicted_wait_ms: shown(waitMs),
      expected_service_ms: shown(serviceMs),
      passes_with_ms: shown(waitMs + serviceMs),
    },
  };
}

/** The deadline passed while the request was queued. */
export function expiredInQueue(route: string, queueWaitMs: number): Refusal {
  return {
    code: 'deadline_expired',
    status: 503,
    outcome: 'not_started',
    detail: 'The deadline passed while the request waited for its turn. Nothing was started.',
    retryAfterMs: queueWaitMs,
    measured: { stage: 'queue', route, queue_wait_ms: shown(queueWaitMs) },
  };
}

/** The deadline passed before the request was complete. */
export function expiredOnArrival(route: string, allowedMs: number): Refusal {
  return {
    code: 'deadline_expired',
    status: 503,
    outcome: 'not_started',
    detail: 'The deadline passed while the request was still arriving. Nothing was started.',
    measured: { stage: 'arrival', route, deadline_ms: shown(allowedMs) },
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
