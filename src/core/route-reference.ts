import { QuietBaseline } from './quiet-baseline.js';

const QUIET = { part: 0.9, batch: 16 } as const;
const FIRST = { part: 0.5, batch: 8 } as const;
/** Nothing is shorter: a worth of 0 could not be divided by. */
const LEAST_MS = 0.01;

/**
 * What the hold times of one route are compared with, so that a mix of fast and slow routes does not look like a change
 * of the load.
 */
export class RouteReference {
  readonly #quiet = new QuietBaseline(QUIET);
  readonly #first = new QuietBaseline(FIRST);

  /** Nine of ten requests held their seat no longer than this in quiet times, in ms; `undefined` until it was quiet. */
  get quietMs(): number | undefined {
    return this.#quiet.ms;
  }

  /**
   * What one request is worth, in ms: the quiet time; before it is known, what the first requests took, and from then on
   * unchanged, because a worth that followed the load would hide what the load does. `undefined` before those.
   */
  get workMs(): number | undefined {
    const ms = this.#quiet.ms ?? this.#first.ms;
    return ms === undefined ? undefined : Math.max(LEAST_MS, ms);
  }

  /** Adds the hold time of a request that ended by itself, in ms; `quiet` when it had the pool nearly for itself. */
  record(heldMs: number, quiet: boolean): void {
    if (quiet) this.#quiet.record(heldMs);
    if (this.#first.ms === undefined) this.#first.record(heldMs);
  }
}
