import type { IllReason } from '../core/ramp.js';
import { Circuit } from './circuit.js';

/** How the windows of a breaker judge. */
export interface WindowSettings {
  readonly name: string;
  /** Share of failing calls in the window, in percent (above 0, up to 100), at or above which the circuit opens. */
  readonly errorPercent: number;
  /** The same for calls that were too slow. */
  readonly slowPercent: number;
  /** Calls that the window must hold before the circuit may open, at least 1. */
  readonly minimumCalls: number;
  /** Length of the rolling window, in milliseconds. */
  readonly windowMs: number;
}

/** What is known of the calls in the present window. */
export interface WindowCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/**
 * The calls of one period, weighed by reason: failures and slowness have a window and a threshold each, so that neither
 * hides or adds to the other. Every call counts in both.
 */
export class Windows {
  readonly #failures: Circuit;
  readonly #slowness: Circuit;

  constructor(settings: WindowSettings, nowMs: number, born: 'closed' | 'half_open') {
    const { name, minimumCalls, windowMs, errorPercent, slowPercent } = settings;
    const common = { minimumCalls, windowMs };
    this.#failures = new Circuit({ name, ...common, errorPercent }, nowMs, born);
    this.#slowness = new Circuit({ name: `${name}: slow`, ...common, errorPercent: slowPercent }, nowMs, born);
  }

  /** Counts a call. Returns what has opened the circuit with it, if anything has. */
  count(nowMs: number, bad: IllReason | undefined): IllReason | undefined {
    if (bad === 'failure') this.#failures.fail(nowMs);
    else this.#failures.succeed(nowMs);
    if (bad === 'slow') this.#slowness.fail(nowMs);
    else this.#slowness.succeed(nowMs);
    if (this.#failures.opened) return 'failure';
    return this.#slowness.opened ? 'slow' : undefined;
  }

  counts(nowMs: number): WindowCounts {
    const { calls, failures } = this.#failures.statistics(nowMs);
    return { calls, failures, slow: this.#slowness.statistics(nowMs).failures };
  }

  /** Ends what opossum runs. */
  shutdown(): void {
    this.#failures.shutdown();
    this.#slowness.shutdown();
  }
}
