/** A timer that has been armed. */
export interface Timer {
  /** Disarms the timer. Calling it again, or after the timer fired, does nothing. */
  cancel(): void;
}

/**
 * The only source of time in the engine. Instants are monotonic milliseconds with an arbitrary origin: they compare
 * and subtract, and say nothing about the time of day.
 */
export interface Clock {
  /** The present instant, in milliseconds, with fractions. */
  nowMs(): number;
  /** Calls `run` once, `delayMs` from now (at least 0). The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` once, after the input that has already arrived was handled. */
  afterInput(run: () => void): void;
}

/** The clock of the machine: monotonic, so that a change of the wall clock moves no deadline. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.max(0, delayMs));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  afterInput: (run) => {
    setImmediate(run);
  },
};
