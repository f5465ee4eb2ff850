import { BINS_MS, BUCKET_ENDS, binOf, type FilledBins, quantileOf } from './duration-bins.js';

/** Durations counted in fixed bins: constant memory (2 kB), and no allocation when one is observed. */
export class Histogram {
  readonly #counts: Float64Array = new Float64Array(BINS_MS.length);
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
    const bin = binOf(ms);
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += ms;
  }

  /** How many observations were at or below each of `BUCKET_BOUNDS_MS`, exactly. */
  cumulative(): number[] {
    let below = 0;
    let bin = 0;
    return BUCKET_ENDS.map((end) => {
      for (; bin < end; bin += 1) below += this.#counts[bin] ?? 0;
      return below;
    });
  }

  /** The bins in which there is something, with their counts. */
  filled(): FilledBins {
    const filled: [number, number][] = [];
    for (const [bin, count] of this.#counts.entries()) if (count > 0) filled.push([bin, count]);
    return filled;
  }

  /** As {@link quantileOf}: within 4.5 %, `undefined` before the first observation. */
  quantile(share: number): number | undefined {
    return quantileOf(share, this.filled());
  }
}
