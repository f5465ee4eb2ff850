/** What one window of {@link HoldWindow} found. */
export interface HoldFigures {
  /** Completions, each worth its route's baseline, in seats' worth of quiet work: with `n` seats at best `n`. */
  readonly throughput: number;
  /**
   * Whether more than one in ten ran into their deadline, or held their seat far longer than nine of ten do in quiet
   * times; `undefined` where neither is known.
   */
  readonly congested: boolean | undefined;
  /** Whether more than one in ten ran into their deadline, or into what the server has too little of. */
  readonly strained: boolean;
}

/** Slower than this times the quiet 90th percentile is slow; slow in more than one of ten is congestion. */
export const SLOW_RATIO = 1.5;
const BAD_SHARE = 0.1;

/** A window closes when its throughput is known to 2 %, or after so many requests. Turns that are short see less drift. */
const ERROR_SHARE = 0.02;
const MOST = 100;
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
 * a change of the mix changes nothing, and one that did not come to its own end counts with its time only: a seat was
 * held for nothing. So work that fails fast cannot look healthy (Netflix concurrency-limits #137).
 */
export class HoldWindow {
  #seats = 0;
  #openedAtMs = Number.POSITIVE_INFINITY;
  #count = 0;
  #judged = 0;
  #slow = 0;
  #strained = 0;
  #heldMs = 0;
  #workMs = 0;
  #heldSquares = 0;
  #workSquares = 0;
  #products = 0;
  #looks = 0;
  #full = 0;

  get open(): boolean {
    return this.#openedAtMs < Number.POSITIVE_INFINITY;
  }

  /** Begins to measure so many seats. */
  begin(nowMs: number, seats: number): void {
    this.#seats = seats;
    this.#openedAtMs = nowMs;
    this.#count = this.#judged = this.#slow = this.#strained = this.#looks = this.#full = 0;
    this.#heldMs = this.#workMs = this.#heldSquares = this.#workSquares = this.#products = 0;
  }

  /** Forgets what was measured, and measures no more. */
  close(): void {
    this.#openedAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * A request ended by itself.
   *
   * @param workMs - What it is worth: a time typical of its route, above 0.
   * @param quietMs - The quiet 90th percentile of its route, where it is known.
   */
  done(nowMs: number, heldMs: number, workMs: number, quietMs: number | undefined): void {
    if (!this.#counts(nowMs, heldMs)) return;
    this.#add(heldMs, workMs);
    if (quietMs === undefined) return;
    this.#judged++;
    if (heldMs > SLOW_RATIO * quietMs) this.#slow++;
  }

  /** A request ended otherwise: at its deadline, if it was `strained`. */
  wasted(nowMs: number, heldMs: number, strained: boolean): void {
    if (!this.#counts(nowMs, heldMs)) return;
    this.#add(heldMs, 0);
    if (strained) this.strain();
  }

  /** The server stopped a statement, or has too little of something, within a request that has not ended. */
  strain(): void {
    this.#strained++;
  }

  /** Looks at the seats at regular times; false once they have been seen free too often to measure anything. */
  look(full: boolean): boolean {
    this.#looks++;
    if (full) this.#full++;
    return this.#looks < 5 || this.#full >= FULL_LOOKS * this.#looks;
  }

  /** The figures, once they are good enough. */
  figures(nowMs: number): HoldFigures | undefined {
    if (!this.open || nowMs - this.#openedAtMs < LEAST_MS) return undefined;
    if (this.#count < Math.max(LEAST, ROUNDS * this.#seats)) return undefined;
    if (this.#count < MOST && this.#error() > ERROR_SHARE) return undefined;
    const strained = this.#strained > BAD_SHARE * this.#count;
    return { throughput: this.#seats * this.#rate, congested: strained || this.#slowed(), strained };
  }

  #counts(nowMs: number, heldMs: number): boolean {
    return nowMs - heldMs >= this.#openedAtMs;
  }

  #add(heldMs: number, workMs: number): void {
    this.#count++;
    this.#heldMs += heldMs;
    this.#workMs += workMs;
    this.#heldSquares += heldMs * heldMs;
    this.#workSquares += workMs * workMs;
    this.#products += heldMs * workMs;
  }

  #slowed(): boolean | undefined {
    return this.#judged * 2 < this.#count ? undefined : this.#slow > BAD_SHARE * this.#judged;
  }

  /** Work done in the time of one seat. */
  get #rate(): number {
    return this.#workMs / Math.max(this.#heldMs, Number.MIN_VALUE);
  }

  /** The standard error of the rate, as a share of it: that of a ratio of two sums. */
  #error(): number {
    const rate = this.#rate;
    const squares = this.#workSquares - 2 * rate * this.#products + rate * rate * this.#heldSquares;
    return Math.sqrt(Math.max(0, squares)) / Math.max(this.#workMs, Number.MIN_VALUE);
  }
}
