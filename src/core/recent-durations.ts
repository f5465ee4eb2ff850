const KEPT = 256;

/**
 * The last durations of something, to take one for that of another which is not known yet: together they have the right
 * mean and the right spread, as no single number has.
 */
export class RecentDurations {
  readonly #ms: Float64Array = new Float64Array(KEPT);
  #noted = 0;
  #recalled = 0;

  /** Keeps a duration, in milliseconds. */
  note(ms: number): void {
    this.#ms[this.#noted++ % KEPT] = ms;
  }

  /** One of those that are kept, each in its turn; `undefined` before the first. */
  recall(): number | undefined {
    return this.#noted === 0 ? undefined : this.#ms[this.#recalled++ % Math.min(this.#noted, KEPT)];
  }
}
