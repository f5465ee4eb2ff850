import type { Archive } from './archive.js';

/** A bucket of tokens to those who charge it, wherever its level is kept. Instants are monotonic milliseconds. */
export interface Bucket {
  /** Tokens per second. */
  readonly refillPerSecond: number;
  /** Capacity, in tokens. */
  readonly burst: number;
  /** Tokens available at `nowMs`, as far as it is known: 0 to {@link burst}, with fractions. */
  tokens(nowMs: number): number;
  /**
   * Whether {@link take} would succeed.
   *
   * @param spare - Tokens that have to be left for others afterwards. Default 0.
   */
  canTake(nowMs: number, cost: number, spare?: number): boolean;
  /**
   * Takes `cost` tokens, all or none; `false` takes nothing.
   *
   * @param spare - What {@link canTake} was asked with: not enforced here. Default 0.
   */
  take(nowMs: number, cost: number, spare?: number): boolean;
  /**
   * A request was shed for want of `cost` tokens: whoever fetches tokens from elsewhere may hurry.
   *
   * @param spare - What {@link canTake} was asked with. Default 0.
   */
  miss(nowMs: number, cost: number, spare?: number): void;
  /** Gives back what {@link take} took, for a request that was not started. */
  refund(nowMs: number, cost: number): void;
  /**
   * Milliseconds until `cost` tokens are there, if nobody else takes any; `Infinity` when they never are.
   *
   * @param spare - Tokens that have to be left for others then. Default 0.
   */
  msUntil(nowMs: number, cost: number, spare?: number): number;
  /** Whether a new bucket would be the same, so that nothing is lost with this one. */
  isFull(nowMs: number): boolean;
  /** Carries its level; see {@link Archive}. */
  archive(io: Archive): void;
}
