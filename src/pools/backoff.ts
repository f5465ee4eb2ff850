const FIRST_DELAY_MS = 20;

/**
 * When the next connection may be tried after a failure: about 20 ms after the first, then twice as long each time up
 * to a cap, each delay shortened by up to a half at random so that instances do not knock in step.
 */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** @param random - Uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The instant before which no attempt may start. */
  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** Whether the last attempt failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** An attempt failed: the next waits longer, at most `capMs`. */
  fail(nowMs: number, capMs: number): void {
    const delayMs = Math.min(capMs, FIRST_DELAY_MS * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#notBeforeMs = nowMs + delayMs * (1 - this.#random() / 2);
  }

  /** Sessions were lost: leaves a server that just went away a moment, unless a longer wait is on. */
  settle(nowMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + FIRST_DELAY_MS * (1 - this.#random() / 2));
  }

  /** A session answered: after failed attempts the next one still waits, else it may start at once. */
  relax(): void {
    if (this.#failures === 0) this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** An attempt succeeded. */
  succeed(): void {
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }
}
