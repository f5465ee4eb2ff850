import type { Archive } from './archive.js';
import { requireNumber } from './numbers.js';

/** The shortest time to average over: a burst in the first instants is no rate of thousands a second. */
const SHORTEST_MS = 1_000;

/**
 * How many arrivals come a second: an average in which an arrival counts half after `halfLifeMs`, exact for any
 * spacing of calls. What was before the first arrival is not taken for silence: the sum is divided by the weight of
 * the time seen so far, at least one second. O(1), no allocation.
 */
export class ArrivalRate {
  readonly #halfLifeMs: number;
  #firstMs = 0;
  #latestMs = Number.NEGATIVE_INFINITY;
  /** Arrivals, each with its weight at the latest instant. */
  #weighted = 0;

  /**
   * @param halfLifeMs - Age at which an arrival counts half, in ms, above 0. Default 5,000.
   * @throws RangeError when it is out of range.
   */
  constructor(halfLifeMs: number = 5_000) {
    this.#halfLifeMs = requireNumber('halfLifeMs', halfLifeMs);
  }

  /** Counts one arrival. An instant earlier than the latest one counts as the latest one. */
  note(nowMs: number): void {
    if (this.#latestMs === Number.NEGATIVE_INFINITY) {
      this.#firstMs = nowMs;
      this.#latestMs = nowMs;
    } else if (nowMs > this.#latestMs) {
      this.#weighted *= this.#left(nowMs - this.#latestMs);
      this.#latestMs = nowMs;
    }
    this.#weighted++;
  }

  /** Arrivals a second, as seen from `nowMs`; 0 before the first. */
  perSecond(nowMs: number): number {
    if (this.#weighted === 0) return 0;
    const atMs = Math.max(nowMs, this.#latestMs);
    const seenMs = Math.max(SHORTEST_MS, atMs - this.#firstMs);
    const weightedSeconds = ((1 - this.#left(seenMs)) * this.#halfLifeMs) / Math.LN2 / 1000;
    return (this.#weighted * this.#left(atMs - this.#latestMs)) / weightedSeconds;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#firstMs = io.number(this.#firstMs);
    this.#latestMs = io.number(this.#latestMs);
    this.#weighted = io.number(this.#weighted);
  }

  #left(elapsedMs: number): number {
    return Math.exp((-elapsedMs * Math.LN2) / this.#halfLifeMs);
  }
}
