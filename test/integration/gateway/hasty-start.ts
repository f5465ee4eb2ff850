import { type Clock, systemClock } from '../../../src/clock.js';

/** A start waits for its first connections for two seconds; timers of about that length are all that is changed. */
const WAIT_MS = { least: 1_900, most: 2_000 };
const HASTY_MS = 50;

/** The machine's clock, for a start whose connections do not come: it goes on without them nearly at once. */
export const hastyStart: Clock = {
  ...systemClock,
  after: (delayMs, run) => {
    const waits = delayMs >= WAIT_MS.least && delayMs <= WAIT_MS.most;
    return systemClock.after(waits ? HASTY_MS : delayMs, run);
  },
};
