import type { Bucket } from '../core/bucket.js';
import type { PriorityRank } from '../core/priority.js';
import { TokenBucket } from '../core/token-bucket.js';

/**
 * The share of the burst that each class leaves to those above it, so that reports cannot take the last tokens from a
 * checkout. Stripe keeps a fifth of its fleet for what is critical; batch work is commonly left half.
 */
const RESERVES: readonly number[] = [0, 0.1, 0.3, 0.5];

/** One bucket for all routes together, whose last tokens are kept for the more important classes. */
export class TotalRate {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Tokens per second. */
  get refillPerSecond(): number {
    return this.#bucket.refillPerSecond;
  }

  /** Capacity, in tokens. */
  get burst(): number {
    return this.#bucket.burst;
  }

  /** Whether {@link adjust} changes anything: the bucket is in this process alone. */
  get adjustable(): boolean {
    return this.#bucket instanceof TokenBucket;
  }

  /**
   * Changes rate and burst from `nowMs` on; the tokens that are there stay, up to the new burst.
   *
   * @throws RangeError when either is out of range; nothing has changed then.
   */
  adjust(nowMs: number, refillPerSecond: number, burst: number): void {
    if (this.#bucket instanceof TokenBucket) this.#bucket.reconfigure(nowMs, refillPerSecond, burst);
  }

  /** Whether it has `cost` tokens for a request of this class. */
  canTake(nowMs: number, cost: number, rank: PriorityRank): boolean {
    return this.#bucket.canTake(nowMs, cost, this.#reserve(cost, rank));
  }

  /** A request of this class was shed for want of `cost` tokens. */
  miss(nowMs: number, cost: number, rank: PriorityRank): void {
    this.#bucket.miss(nowMs, cost, this.#reserve(cost, rank));
  }

  /** Takes what is there; see {@link canTake}. */
  take(nowMs: number, cost: number, rank: PriorityRank): void {
    this.#bucket.take(nowMs, cost, this.#reserve(cost, rank));
  }

  refund(nowMs: number, cost: number): void {
    this.#bucket.refund(nowMs, cost);
  }

  /** Milliseconds until a request of this class finds `cost` tokens; `Infinity` when it never does. */
  msUntil(nowMs: number, cost: number, rank: PriorityRank): number {
    return this.#bucket.msUntil(nowMs, cost, this.#reserve(cost, rank));
  }

  /** A full bucket pays for every class, whatever its size. */
  #reserve(cost: number, rank: PriorityRank): number {
    return Math.max(0, Math.min((RESERVES[rank] ?? 0) * this.burst, this.burst - cost));
  }
}
