import { requireNumber } from './numbers.js';

/** Settings of a {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** Pieces of work that pay for one retry, a whole number from 1. Default 10: at most 10 % of extra work. */
  readonly workPerRetry?: number;
  /** Retries that can be saved up, and with which it begins; a whole number from 1. Default 10. */
  readonly saved?: number;
}

/**
 * How many retries a pool bears: each piece of work pays for a part of one, and what is not used is saved up to a bound.
 *
 * Over any stretch of work there are at most `work / workPerRetry + saved` retries, so they cannot become the load that
 * brings about the failures which they answer. The idea is that of the retry budget of Finagle (Twitter), with its
 * minimum rate left out: a pool with little work gets few retries. No instant is needed: silence pays for nothing.
 */
export class RetryBudget {
  readonly #price: number;
  readonly #most: number;
  // In parts of a retry, so that the count stays exact however long it goes on.
  #parts: number;

  /** @throws RangeError when an option is out of range. */
  constructor({ workPerRetry = 10, saved = 10 }: RetryBudgetOptions = {}) {
    this.#price = requireNumber('workPerRetry', workPerRetry, { min: 1, max: 1_000_000, integer: true });
    this.#most = requireNumber('saved', saved, { min: 1, max: 1_000_000, integer: true }) * this.#price;
    this.#parts = this.#most;
  }

  /** Retries that could be made now. */
  get left(): number {
    return Math.floor(this.#parts / this.#price);
  }

  /** A piece of work was begun for the first time; a retry pays for nothing. */
  pay(): void {
    this.#parts = Math.min(this.#most, this.#parts + 1);
  }

  /** Takes one retry out, where there is one. */
  take(): boolean {
    if (this.#parts < this.#price) return false;
    this.#parts -= this.#price;
    return true;
  }
}
