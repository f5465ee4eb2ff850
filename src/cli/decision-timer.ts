import type { DecisionProbe } from '../simulator/call-path.js';
import { Percentiles } from '../simulator/percentiles.js';

/** Measures decisions, and takes off what the measuring costs. */
export class DecisionTimer implements DecisionProbe {
  readonly #nowMs: () => number;
  readonly #times = new Percentiles();
  readonly #ownMs: number;
  #beganMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    const own = Array.from({ length: 101 }, () => -(nowMs() - nowMs())).sort((one, other) => one - other);
    this.#ownMs = own[50] ?? 0;
  }

  begin(): void {
    this.#beganMs = this.#nowMs();
  }

  end(): void {
    // In nanoseconds: the histogram counts in any unit, from a hundredth of it on.
    this.#times.add(Math.max(0, this.#nowMs() - this.#beganMs - this.#ownMs) * 1_000_000);
  }

  /** The median, in nanoseconds. */
  get medianNs(): number {
    return Math.round(this.#times.quantile(0.5) ?? 0);
  }
}
