import type { Mode } from '../config/options.js';
import type { RouteEntry } from './route-entry.js';

/**
 * The mode of a gateway at work. One that enforces can be told to observe, and to enforce again: requests go by the mode
 * in which they arrived to their end, and since shadows stand in the same queues and buckets as requests, those evolve as
 * if nothing had happened. A gateway that was started otherwise lacks what it would enforce with.
 */
export class ModeSwitch {
  readonly #entries: ReadonlyMap<string, RouteEntry>;
  #mode: Mode;
  /** Whether {@link set} may be called. */
  readonly adjustable: boolean;

  constructor(mode: Mode, entries: ReadonlyMap<string, RouteEntry>) {
    this.#mode = mode;
    this.#entries = entries;
    this.adjustable = mode === 'enforce';
  }

  /** The mode of requests that arrive now. */
  get mode(): Mode {
    return this.#mode;
  }

  set(mode: 'enforce' | 'observe'): void {
    this.#mode = mode;
    for (const entry of this.#entries.values()) entry.setMode(mode);
  }
}
