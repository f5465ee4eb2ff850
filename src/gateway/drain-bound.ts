import type { Clock } from '../clock.js';

/** The instant at which a drain stops waiting. It can only come nearer. */
export class DrainBound {
  readonly #clock: Clock;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get atMs(): number {
    return this.#atMs;
  }

  get passed(): boolean {
    return this.#clock.nowMs() >= this.#atMs;
  }

  /** Ends the wait after this time from now, unless it ends earlier already. */
  within(timeoutMs: number): void {
    this.#atMs = Math.min(this.#atMs, this.#clock.nowMs() + timeoutMs);
  }
}
