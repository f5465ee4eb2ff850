import type { Clock, Timer } from '../clock.js';

/** Timers of Node count milliseconds in 31 bits and fire at once beyond that. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Calls `run` once `delayMs` have passed and the input that had arrived by then was handled. After a stall of the event
 * loop a timer is due before the answer that lies unread in the socket; without the second look every stall would
 * look like a database that does not answer.
 */
export function timeLimit(clock: Clock, delayMs: number, run: () => void): Timer {
  let cancelled = false;
  const timer = clock.after(Math.min(delayMs, LONGEST_TIMER_MS), () => {
    clock.afterInput(() => {
      if (!cancelled) run();
    });
  });
  return {
    cancel: () => {
      cancelled = true;
      timer.cancel();
    },
  };
}
