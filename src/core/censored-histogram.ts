import type { Archive } from './archive.js';

/** Shortest and longest duration told apart, in ms: 50 microseconds to one hour. */
const MIN_MS = 0.05;
const MAX_MS = 3_600_000;

/** Eight bins per doubling: the middle of a bin is within 4.5 % of everything in it. */
const BINS_PER_OCTAVE = 8;
const BIN_COUNT = Math.ceil(Math.log2(MAX_MS / MIN_MS) * BINS_PER_OCTAVE);

/** The unit weight at which all weights are scaled down, long before a double overflows. */
const UNIT_MAX = 2 ** 200;

/** Rounding in a sum of weights must not move a quantile to the next bin. */
const TIE = 1e-9;

/** The duration that stands for a bin: its middle on the logarithmic scale. */
const BIN_MS: Float64Array = Float64Array.from(
  { length: BIN_COUNT },
  (_, bin) => MIN_MS * 2 ** ((bin + 0.5) / BINS_PER_OCTAVE),
);

/**
 * A histogram of durations, 0.05 ms to 1 h at a relative error of 4.5 %, in which some are only known to be "at
 * least so long" and old ones count for less. Adding is O(1) and allocates nothing; {@link settle} is one pass over
 * some 200 bins.
 *
 * Ageing is by forward decay (Cormode et al. 2009): the weight of the next entry grows instead of all others shrinking.
 *
 * A duration that was cut short is right-censored. It is treated by the product-limit estimate (Kaplan and Meier 1958):
 * its weight goes to everything longer, in proportion; where nothing longer is known, to its own bound (Efron 1967). So
 * it can raise a quantile and never lowers one.
 */
export class CensoredHistogram {
  readonly #exact: Float64Array = new Float64Array(BIN_COUNT);
  readonly #atLeast: Float64Array = new Float64Array(BIN_COUNT);
  /** After {@link settle}: the share of durations up to and including each bin. */
  readonly #share: Float64Array = new Float64Array(BIN_COUNT);
  #unit = 1;
  #meanMs = 0;

  /** Adds a duration that was seen to its end. */
  add(ms: number): void {
    const bin = binOf(ms);
    this.#exact[bin] = (this.#exact[bin] ?? 0) + this.#unit;
  }

  /** Adds a duration that was cut short at `ms`. */
  addAtLeast(ms: number): void {
    const bin = binOf(ms);
    this.#atLeast[bin] = (this.#atLeast[bin] ?? 0) + this.#unit;
  }

  /** Makes everything added so far count `factor` times less than what is added next: 1 or more, up to `Infinity`. */
  age(factor: number): void {
    this.#unit *= factor;
    if (this.#unit > UNIT_MAX) this.#rescale();
  }

  /** Works out what {@link quantile} and {@link meanMs} tell until the next call; `false` when there is nothing. */
  settle(): boolean {
    // From the right, so that the sums of those still at risk lose nothing to cancellation.
    let atRisk = 0;
    let last = -1;
    for (let bin = BIN_COUNT - 1; bin >= 0; bin--) {
      atRisk += (this.#exact[bin] ?? 0) + (this.#atLeast[bin] ?? 0);
      if (last < 0 && atRisk > 0) last = bin;
      this.#share[bin] = atRisk;
    }
    let survival = 1;
    this.#meanMs = 0;
    for (let bin = 0; bin <= last; bin++) {
      const risk = this.#share[bin] ?? 0;
      const died = bin === last ? survival : (survival * (this.#exact[bin] ?? 0)) / risk;
      survival -= died;
      this.#meanMs += died * (BIN_MS[bin] ?? 0);
      this.#share[bin] = 1 - survival;
    }
    this.#share.fill(1, Math.max(0, last));
    return last >= 0;
  }

  /** The mean, in ms; where the longest were cut short, a lower bound of it. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** The duration that a share `part` (0 to 1) does not exceed, in ms. */
  quantile(part: number): number {
    let bin = 0;
    while (bin < BIN_COUNT - 1 && (this.#share[bin] ?? 1) < part - TIE) bin++;
    // A bin without weight has the share of the one below it, so this never names an empty bin, except for part 0.
    return BIN_MS[bin] ?? MAX_MS;
  }

  /** Carries its state, except for what {@link settle} works out; see {@link Archive}. */
  archive(io: Archive): void {
    io.numbers(this.#exact);
    io.numbers(this.#atLeast);
    this.#unit = io.number(this.#unit);
  }

  #rescale(): void {
    for (let bin = 0; bin < BIN_COUNT; bin++) {
      this.#exact[bin] = (this.#exact[bin] ?? 0) / this.#unit;
      this.#atLeast[bin] = (this.#atLeast[bin] ?? 0) / this.#unit;
    }
    this.#unit = 1;
  }
}

function binOf(ms: number): number {
  if (ms <= MIN_MS) return 0;
  if (ms >= MAX_MS) return BIN_COUNT - 1;
  return Math.floor(Math.log2(ms / MIN_MS) * BINS_PER_OCTAVE);
}
