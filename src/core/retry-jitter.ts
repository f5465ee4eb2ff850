import type { ErrorCode } from '../errors.js';
import { type PriorityRank, TOP_RANK } from './priority.js';

/** Nobody knows more than an hour ahead how long a queue, an outage or an overload lasts. */
const MOST_PREDICTED_MS = 3_600_000;
/** Those that wait for a time of day come within this of it, however many hours that is. */
const WINDOW_SPREAD_MS = 60_000;

/** How much longer a class is asked to stay away: the more important ones are served first, so they may be back first. */
const STAY_AWAY: readonly [number, number, number, number] = [1, 1.25, 1.5, 2];
/** Those that were shed together come back spread over this much of the wait, before and after it. */
const SPREAD = 0.25;

/**
 * These waits end at an instant that is known, before which another try is in vain; others are predictions, as likely
 * too long as too short.
 */
const NOT_BEFORE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['rate_limited', 'breaker_open']);

/** Who is refused at the very instant at which it would pass is not told to be back at once. */
const LEAST_MS = 1;
/** A shorter wait that is only predicted counts as this: those that were shed together would be back together, at once. */
const LEAST_PREDICTED_MS = 100;

/**
 * How long a client is told to stay away.
 *
 * @param waitMs - Until another try is expected to succeed, in milliseconds.
 * @param rank - The class of the request. A bucket holds the same for all, so it does not matter for `rate_limited`.
 * @param drawn - Uniform in [0, 1).
 * @returns Whole milliseconds, 1 or more, rounded up: the wait, at least 100 ms, × 0.75 to 1.25 (1 to 1.25 of one that is
 *   known), and up to twice that for the lowest class, and never more than an hour where it is predicted; for
 *   `outside_window` the wait and up to a minute.
 */
export function spreadRetryMs(code: ErrorCode, waitMs: number, rank: PriorityRank, drawn: number): number {
  if (code === 'outside_window') return Math.ceil(Math.max(LEAST_MS, waitMs) + WINDOW_SPREAD_MS * drawn);
  const factor = STAY_AWAY[code === 'rate_limited' ? TOP_RANK : rank];
  if (NOT_BEFORE.has(code)) return Math.ceil(Math.max(LEAST_MS, waitMs) * (1 + SPREAD * drawn) * factor);
  const spreadMs = Math.max(LEAST_PREDICTED_MS, waitMs) * (1 - SPREAD + 2 * SPREAD * drawn) * factor;
  return Math.min(MOST_PREDICTED_MS, Math.ceil(spreadMs));
}

/** The value of `Retry-After` for so many milliseconds: whole seconds, rounded up, at least 1. */
export function retryAfterSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
