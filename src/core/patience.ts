const FIRST_WAIT_MS = 5_000;
const LAST_WAIT_MS = 30_000;
/** A trial may cost half of the throughput half of the time; in time that makes it a hundredth. */
const WAIT_TRIALS = 5;
const LAST_WAIT_TRIALS = 40;
const MOST_DOUBLINGS = 8;

/** When something that costs may be tried again: later and later while it fails, and the later the longer it takes. */
export class Patience {
  #readyAtMs = Number.NEGATIVE_INFINITY;
  #waits = 0;

  ready(nowMs: number): boolean {
    return nowMs >= this.#readyAtMs;
  }

  /** A trial that lasted so long was in vain. */
  wait(nowMs: number, trialMs: number): void {
    const base = Math.max(FIRST_WAIT_MS, WAIT_TRIALS * trialMs);
    const most = Math.max(LAST_WAIT_MS, LAST_WAIT_TRIALS * trialMs);
    this.#readyAtMs = nowMs + Math.min(base * 2 ** this.#waits, most);
    this.#waits = Math.min(this.#waits + 1, MOST_DOUBLINGS);
  }

  reset(): void {
    this.#readyAtMs = Number.NEGATIVE_INFINITY;
    this.#waits = 0;
  }
}
