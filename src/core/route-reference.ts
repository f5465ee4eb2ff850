import { QuietBaseline } from './quiet-baseline.js';

const QUIET = { part: 0.9, batch: 16 } as const;
/** Samples over which the usual hold time is averaged, and after which the first of them are worth something. */
const USUAL_SAMPLES = 32;
const FIRST_SAMPLES = 8;
/** Nothing is shorter: a worth of 0 could not be divided by. */
const LEAST_MS = 0.01;

/**
 * What the hold times of one route are compared with, so that a mix of fast and slow routes does not look like a change
 * of the load.
 */
export class RouteReference {
  readonly #quiet = new QuietBaseline(QUIET);
  #usualMs = 0;
  #samples = 0;
  #workMs: number | undefined;

  /** Nine of ten requests held their seat no longer than this in quiet times, in ms; `undefined` until it was quiet. */
  get quietMs(): number | undefined {
    return this.#quiet.ms;
  }

  /**
   * What one request is worth, in ms; `undefined` before the first were seen. It changes only by {@link settle}: a worth
   * that followed the load while throughputs are compared would hide what the load does.
   */
  get workMs(): number | undefined {
    return this.#workMs;
  }

  /** Adds the hold time of a request that ended by itself, in ms; `quiet` when it had the pool nearly for itself. */
  record(heldMs: number, quiet: boolean): void {
    if (quiet) this.#quiet.record(heldMs);
    this.#samples++;
    this.#usualMs += (heldMs - this.#usualMs) / Math.min(this.#samples, USUAL_SAMPLES);
    if (this.#workMs === undefined && this.#samples >= FIRST_SAMPLES) this.settle();
  }

  /** Takes the quiet time, or where there is none the usual one, for the worth from now on. */
  settle(): void {
    if (this.#samples >= FIRST_SAMPLES) this.#workMs = Math.max(LEAST_MS, this.#quiet.ms ?? this.#usualMs);
  }
}
