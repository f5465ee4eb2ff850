import { type Clock, systemClock } from '../../../src/clock.js';

/** A start waits for its first connections for two seconds; timers of about that length are all that is changed. */
const WAIT_MS = { least: 1_900, most: 2_000 };
const HASTY_MS = 50;

/** For pools of such a start: by default a connect has as long as the start waits, and would be cut short with it. */
export const CONNECTS_IN_PEACE: { readonly connectTimeoutMs: number } = { connectTimeoutMs: 20_000 };

/** The machine's clock, for a start whose connections do not come: it goes on without them nearly at once. */
export const hastyStart: Clock = {
  ...systemClock,
  after: (delayMs, run) => {
    const waits = delayMs >= WAIT_MS.least && delayMs <= WAIT_MS.most;
    return systemClock.after(waits ? HASTY_MS : delayMs, run);
  },
};
