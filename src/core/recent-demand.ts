/** How much was asked for lately: a sum in which what is older than `horizonMs` hardly counts any more. */
export class RecentDemand {
  readonly #horizonMs: number;
  #sum = 0;
  #latestMs = Number.NEGATIVE_INFINITY;

  /** @param horizonMs - Age at which what was asked for counts a third (1 / e), in ms, above 0. */
  constructor(horizonMs: number) {
    this.#horizonMs = horizonMs;
  }

  /** When something was asked for last; `-Infinity` before the first time. */
  get latestMs(): number {
    return this.#latestMs;
  }

  note(nowMs: number, cost: number): void {
    this.#sum = this.within(nowMs) + cost;
    this.#latestMs = Math.max(nowMs, this.#latestMs);
  }

  /** About what is asked for in `horizonMs` at the present rate, and right after a request that request besides. */
  within(nowMs: number): number {
    if (this.#sum === 0) return 0;
    return this.#sum * Math.exp(-Math.max(0, nowMs - this.#latestMs) / this.#horizonMs);
  }
}
