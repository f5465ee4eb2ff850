import type { Clock, Timer } from '../clock.js';

/** Timers of Node count milliseconds in 31 bits and fire at once beyond that. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** A timer that is later than this stood behind a stall of the event loop. */
const STALL_MS = 50;

/**
 * Calls `run` once `delayMs` have passed in which somebody looked, and the input that had arrived by then was handled.
 * After a stall of the event loop a timer is due before the answer that lies unread in the socket, and what takes
 * several round trips, as a connect does, had no chance meanwhile: the time of the stall is granted again, `delayMs`
 * in all at most. Without it every stall would look like a database that does not answer.
 */
export function timeLimit(clock: Clock, delayMs: number, run: () => void): Timer {
  let cancelled = false;
  let grantMs = delayMs;
  let timer: Timer;
  const arm = (forMs: number): void => {
    const waitMs = Math.min(forMs, LONGEST_TIMER_MS);
    const dueAtMs = clock.nowMs() + waitMs;
    timer = clock.after(waitMs, () => {
      const lateMs = clock.nowMs() - dueAtMs;
      if (lateMs > STALL_MS && grantMs > 0) {
        const againMs = Math.min(lateMs, grantMs);
        grantMs -= againMs;
        arm(againMs);
        return;
      }
      clock.afterInput(() => {
        if (!cancelled) run();
      });
    });
  };
  arm(delayMs);
  return {
    cancel: () => {
      cancelled = true;
      timer.cancel();
    },
  };
}
