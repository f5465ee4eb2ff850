import type { Measured, Refusal } from '../errors.js';

/** Milliseconds as a problem document shows them. */
function shown(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The queue in front of the pool holds as much as it may: by count, or by predicted work. */
export function queueFull(route: string, queued: number, predictedWaitMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'Too many requests wait for this resource already. Nothing was started; try again later.',
    retryAfterMs: predictedWaitMs,
    measured: { route, queued, predicted_wait_ms: shown(predictedWaitMs) },
  };
}

/** The answer would come after the deadline, as far as can be predicted. */
export function deadlineUnreachable(route: string, timeLeftMs: number, waitMs: number, serviceMs: number): Refusal {
  return {
    code: 'deadline_unreachable',
    status: 503,
    outcome: 'not_started',
    detail: 'The answer would come too late: predicted wait and service exceed the time left. Nothing was started.',
    retryAfterMs: waitMs,
    measured: {
      route,
      time_left_ms: shown(timeLeftMs),
      predicted_wait_ms: shown(waitMs),
      expected_service_ms: shown(serviceMs),
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
    measured: { route, queue_wait_ms: shown(queueWaitMs) },
  };
}

/** The deadline passed before the request was complete. */
export function expiredOnArrival(route: string, allowedMs: number): Refusal {
  return {
    code: 'deadline_expired',
    status: 503,
    outcome: 'not_started',
    detail: 'The deadline passed while the request was still arriving. Nothing was started.',
    measured: { route, deadline_ms: shown(allowedMs) },
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
