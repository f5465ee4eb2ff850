/** What one window of {@link HoldWindow} found. */
export interface HoldFigures {
  /** Completions, each worth its route's baseline, in seats' worth of quiet work: with `n` seats at best `n`. */
  readonly throughput: number;
  /** Whether nine of ten held their seats about as long as in quiet times; `undefined` where that is not known. */
  readonly congested: boolean | undefined;
  /** How long the window was open, in ms. */
  readonly lastedMs: number;
}

/** Slower than this times the quiet 90th percentile is slow; slow in more than one of ten is congestion. */
export const SLOW_RATIO = 1.5;
const SLOW_SHARE = 0.1;

/** A window closes when its mean is known to 2 %, or after so many requests. */
const ERROR_SHARE = 0.02;
const MOST = 400;
const LEAST = 20;
const LEAST_MS = 200;
/** Rounds of the seats, so that long and short requests come in the proportion in which they arrive. */
const ROUNDS = 3;
/** Of the looks taken, how many must find the seats full. */
const FULL_LOOKS = 0.8;

/**
 * One measurement of what a number of seats achieves: only requests that got their seat after its beginning count, and
 * only while the seats are full.
 *
 * Throughput comes from hold times by Little's law (1961): with all of `n` seats in use, `n` divided by the mean hold
 * time completes per unit of time. Counting completions instead has an error of `n` requests at both ends of a window,
 * which is everything when sixteen requests end together. Each request counts with the baseline of its route, so that
 * a change of the mix changes nothing.
 */
export class HoldWindow {
  #seats = 0;
  #openedAtMs = Number.POSITIVE_INFINITY;
  #count = 0;
  #judged = 0;
  #slow = 0;
  #heldMs = 0;
  #workMs = 0;
  #ratios = 0;
  #squares = 0;
  #looks = 0;
  #full = 0;

  get open(): boolean {
    return this.#openedAtMs < Number.POSITIVE_INFINITY;
  }

  /** Begins to measure so many seats. */
  begin(nowMs: number, seats: number): void {
    this.#seats = seats;
    this.#openedAtMs = nowMs;
    this.#count = this.#judged = this.#slow = this.#heldMs = this.#workMs = 0;
    this.#ratios = this.#squares = this.#looks = this.#full = 0;
  }

  /** Forgets what was measured, and measures no more. */
  close(): void {
    this.#openedAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * A request ended.
   *
   * @param workMs - What it is worth: a time typical of its route, above 0.
   * @param quietMs - The quiet 90th percentile of its route, where it is known.
   */
  add(nowMs: number, heldMs: number, workMs: number, quietMs: number | undefined): void {
    if (nowMs - heldMs < this.#openedAtMs) return;
    const ratio = heldMs / workMs;
    this.#count++;
    this.#heldMs += heldMs;
    this.#workMs += workMs;
    this.#ratios += ratio;
    this.#squares += ratio * ratio;
    if (quietMs === undefined) return;
    this.#judged++;
    if (heldMs > SLOW_RATIO * quietMs) this.#slow++;
  }

  /** Looks at the seats at regular times; false once they have been seen free too often to measure anything. */
  look(full: boolean): boolean {
    this.#looks++;
    if (full) this.#full++;
    return this.#looks < 5 || this.#full >= FULL_LOOKS * this.#looks;
  }

  /** The figures, once they are good enough. */
  figures(nowMs: number): HoldFigures | undefined {
    const lastedMs = nowMs - this.#openedAtMs;
    if (!this.open || lastedMs < LEAST_MS || this.#count < Math.max(LEAST, ROUNDS * this.#seats)) return undefined;
    if (this.#count < MOST && this.#error() > ERROR_SHARE) return undefined;
    return {
      throughput: (this.#seats * this.#workMs) / Math.max(this.#heldMs, Number.MIN_VALUE),
      congested: this.#judged * 2 < this.#count ? undefined : this.#slow > SLOW_SHARE * this.#judged,
      lastedMs,
    };
  }

  /** The standard error of the mean ratio, as a share of it. */
  #error(): number {
    const mean = this.#ratios / this.#count;
    const variance = Math.max(0, this.#squares / this.#count - mean * mean);
    return mean === 0 ? 0 : Math.sqrt(variance / this.#count) / mean;
  }
}
