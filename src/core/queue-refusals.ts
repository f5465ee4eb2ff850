import type { Refusal } from '../errors.js';
import { type Stage, shown, shownAtLeast, shownAtMost } from './refusals.js';

/** Whose queue a bound is on: that of one route, or of all routes of its pool. */
export type QueueScope = 'route' | 'pool';

/** The queue of the route or of its pool holds `queued` tickets, and may hold `bound`. */
export function queueFull(route: string, scope: QueueScope, queued: number, bound: number, waitMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'Too many requests wait for this resource already. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: {
      stage: 'arrival',
      route,
      scope,
      queued,
      predicted_wait_ms: shown(waitMs),
      passes_with_queued_below: bound,
    },
  };
}

/** The route has no queue: its tickets get their seats at once, or none. */
export function withoutQueue(route: string, freeSeats: number, wantedSeats: number, waitMs: number): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'This resource is busy, and nobody may wait for it. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: {
      stage: 'arrival',
      route,
      scope: 'route',
      free_seats: Math.max(0, freeSeats),
      predicted_wait_ms: shown(waitMs),
      passes_with_free_seats: wantedSeats,
    },
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
      scope: 'class',
      queued,
      predicted_wait_ms: shownAtLeast(waitMs),
      passes_with_wait_ms: shownAtMost(boundMs),
    },
  };
}

/**
 * Newer requests were served before it for longer than `boundMs`, and its time would be lost; the queue of the class takes
 * `waitMs` to drain.
 */
export function overtaken(
  route: string,
  queued: number,
  queueWaitMs: number,
  boundMs: number,
  waitMs: number,
): Refusal {
  return {
    code: 'queue_full',
    status: 503,
    outcome: 'not_started',
    detail: 'More arrives than can be answered, and newer requests go first. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: {
      stage: 'queue',
      route,
      scope: 'class',
      queued,
      queue_wait_ms: shownAtLeast(queueWaitMs),
      predicted_wait_ms: shown(waitMs),
      passes_with_queue_wait_ms: shownAtMost(boundMs),
    },
  };
}

/** A more important request took the place in a queue that was full. */
export function displaced(
  route: string,
  by: string,
  scope: QueueScope,
  queued: number,
  bound: number,
  queueWaitMs: number,
  waitMs: number,
): Refusal {
  return {
    code: 'displaced',
    status: 503,
    outcome: 'not_started',
    detail: 'The queue was full and a more important request took the place. Nothing was started; try again later.',
    retryAfterMs: waitMs,
    measured: {
      stage: 'queue',
      route,
      displaced_by: by,
      scope,
      queued,
      queue_wait_ms: shown(queueWaitMs),
      passes_with_queued_below: bound,
    },
  };
}
