/** Upper bounds of the buckets, in milliseconds, each included; a last bucket holds what is longer. */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000, 30_000,
];

/** The same, in the form that is quickest to walk through. */
const BOUNDS_MS = Float64Array.from(BUCKET_BOUNDS_MS);

/** Durations counted in fixed buckets: constant memory, and no allocation when one is observed. */
export class Histogram {
  readonly #counts: Float64Array = new Float64Array(BUCKET_BOUNDS_MS.length + 1);
  #count = 0;
  #sumMs = 0;

  /** Observations so far. */
  get count(): number {
    return this.#count;
  }

  /** Their sum, in milliseconds. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** Counts one duration, in milliseconds. Negative ones and NaN, which a clock cannot mean, count as 0. */
  observe(durationMs: number): void {
    const ms = Math.max(0, durationMs || 0);
    let index = 0;
    while (ms > (BOUNDS_MS[index] ?? Number.POSITIVE_INFINITY)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += ms;
  }

  /** How many observations were at or below each bound, in the order of {@link BUCKET_BOUNDS_MS}. */
  cumulative(): number[] {
    let below = 0;
    return BUCKET_BOUNDS_MS.map((_, index) => {
      below += this.#counts[index] ?? 0;
      return below;
    });
  }

  /**
   * The duration, in milliseconds, that this share (0 to 1) of the observations does not exceed, interpolated within
   * its bucket; the last bound when it lies beyond it, `undefined` before the first observation.
   */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const wanted = share * this.#count;
    let below = 0;
    let lowerMs = 0;
    for (const [index, upperMs] of BUCKET_BOUNDS_MS.entries()) {
      const inBucket = this.#counts[index] ?? 0;
      if (inBucket > 0 && below + inBucket >= wanted) {
        return lowerMs + ((upperMs - lowerMs) * Math.max(0, wanted - below)) / inBucket;
      }
      below += inBucket;
      lowerMs = upperMs;
    }
    return lowerMs;
  }
}
