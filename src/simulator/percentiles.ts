/** Shortest and longest duration told apart, in ms: ten microseconds and one day. */
const MIN_MS = 0.01;
const MAX_MS = 86_400_000;
/** A bin is this much wider than the one below: its middle is within half a percent of everything in it. */
const GROWTH = Math.log(1.01);
const BINS = Math.ceil(Math.log(MAX_MS / MIN_MS) / GROWTH) + 1;

/** Durations as a histogram of fixed size: quantiles to half a percent, whatever the number of entries. */
export class Percentiles {
  // Grown on first use: most of the many that a report keeps are never used.
  #bins: Float64Array | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#bins ??= new Float64Array(BINS);
    const bin = ms < MIN_MS ? 0 : Math.min(BINS - 1, 1 + Math.floor(Math.log(ms / MIN_MS) / GROWTH));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count++;
  }

  /** Adds all that another holds. */
  merge(other: Percentiles): void {
    if (other.#bins === undefined) return;
    this.#bins ??= new Float64Array(BINS);
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = (this.#bins[bin] ?? 0) + (other.#bins[bin] ?? 0);
    this.#count += other.#count;
  }

  /** The duration that a share `part` does not exceed, in ms; `undefined` when there is none. */
  quantile(part: number): number | undefined {
    if (this.#bins === undefined) return undefined;
    const wanted = Math.max(1, Math.ceil(part * this.#count));
    let seen = 0;
    let bin = -1;
    while (seen < wanted && bin < BINS - 1) seen += this.#bins[++bin] ?? 0;
    return bin <= 0 ? 0 : MIN_MS * Math.exp((bin - 0.5) * GROWTH);
  }
}
