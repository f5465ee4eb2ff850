import type { Clock, Timer } from '../clock.js';
import { timeLimit } from './time-limit.js';

/** One timer for the sessions of a pool that grow too old or idle for too long, armed only while there are some. */
export class Sweeper {
  readonly #clock: Clock;
  readonly #sweep: () => void;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, sweep: () => void) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Sweeps at this instant at the latest; `Infinity` asks for nothing. */
  by(nowMs: number, atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#timer?.cancel();
    this.#atMs = atMs;
    this.#timer = timeLimit(this.#clock, atMs - nowMs, () => {
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#sweep();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
