import { requireNumber } from './numbers.js';

/** Settings of a {@link QuietBaseline}. */
export interface QuietBaselineOptions {
  /** The quantile that is followed, above 0, up to 1. */
  readonly part: number;
  /** Times of which one estimate of the quantile is made, at least 1. It is known after so many. */
  readonly batch: number;
}

/** How far an estimate goes towards a lower, and towards a higher one. */
const DOWN = 1 / 2;
const UP = 1 / 16;

/**
 * What a time is while nothing is in the way: the lower edge of a quantile over the periods in which it was measured.
 *
 * Whoever asks decides which times are quiet. A batch of them gives one estimate; the baseline goes half of the way
 * towards a lower estimate and a sixteenth towards a higher one, so that a period that was less quiet than it seemed
 * hardly lifts it, and one good period brings it back. A minimum would be held up by nothing and pushed down by the
 * one fast answer; a moving average takes a degradation that lasts for the normal state (Netflix concurrency-limits
 * #165, Envoy #38338).
 *
 * Pure: no instant is needed, for silence teaches nothing and takes nothing away. Memory: one batch of numbers.
 */
export class QuietBaseline {
  readonly #batch: Float64Array;
  readonly #index: number;
  #count = 0;
  #ms: number | undefined;

  /** @throws RangeError when an option is out of range. */
  constructor({ part, batch }: QuietBaselineOptions) {
    const size = requireNumber('batch', batch, { min: 1, max: 100_000, integer: true });
    this.#batch = new Float64Array(size);
    this.#index = Math.ceil(requireNumber('part', part, { max: 1 }) * size) - 1;
  }

  /** The baseline in ms; `undefined` until a whole batch was seen. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Adds a time measured in a quiet period, in ms. Others than 0 or more are ignored. */
  record(ms: number): void {
    if (!(ms >= 0)) return;
    this.#batch[this.#count] = ms;
    this.#count++;
    if (this.#count < this.#batch.length) return;
    this.#count = 0;
    const estimate = this.#batch.toSorted()[this.#index] ?? ms;
    const from = this.#ms ?? estimate;
    this.#ms = from + (estimate - from) * (estimate < from ? DOWN : UP);
  }
}
