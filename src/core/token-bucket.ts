import type { Archive } from './archive.js';
import type { Bucket } from './bucket.js';
import { requireNumber } from './numbers.js';

/** First step by which a predicted wait is lengthened when rounding made it a trifle too short, in ms. */
const NUDGE_MS = 2 ** -20;

/**
 * A token bucket with lazy refill: no timer, the level is worked out from the instant of each call.
 *
 * It never gives more than `burst + refillPerSecond x time` in any window, fully or partly refilled, and a call that
 * gives nothing changes nothing. Instants may jump backwards: the bucket then stands still until they catch up, so
 * "time" is the advance of the greatest instant at which tokens were taken or given back.
 *
 * The level is never stored. Kept instead are an anchor, what was taken since (as a compensated sum, Kahan 1965) and
 * the latest instant; so rounding does not add up however many small steps are made. The anchor moves only when the
 * bucket is full, where nothing is lost by it. Source: the token bucket of Turner (1986), in the lazy form of
 * golang.org/x/time/rate, which takes the instant as an argument.
 */
export class TokenBucket implements Bucket {
  #perSecond: number;
  #burst: number;
  /** Level at the anchor. */
  #credit: number;
  // The bucket counts as full "since ever": the origin of instants is arbitrary, and this times a rate of 0 is still 0.
  #anchorMs: number = -Number.MAX_VALUE;
  #latestMs: number = -Number.MAX_VALUE;
  #taken = 0;
  #takenError = 0;

  /**
   * A full bucket.
   *
   * @param refillPerSecond - Tokens per second, 0 or more. 0 never refills.
   * @param burst - Capacity in tokens, above 0.
   * @throws RangeError when either is out of range.
   */
  constructor(refillPerSecond: number, burst: number) {
    this.#perSecond = requireNumber('refillPerSecond', refillPerSecond, { min: 0 });
    this.#burst = requireNumber('burst', burst);
    this.#credit = burst;
  }

  /** Tokens per second. */
  get refillPerSecond(): number {
    return this.#perSecond;
  }

  /** Capacity, in tokens. */
  get burst(): number {
    return this.#burst;
  }

  /** Tokens available at `nowMs`: 0 to {@link burst}, with fractions. */
  tokens(nowMs: number): number {
    return Math.max(0, this.#level(nowMs));
  }

  /** Whether {@link take} would succeed and leave `spare` tokens. */
  canTake(nowMs: number, cost: number, spare: number = 0): boolean {
    return this.#level(nowMs) >= nonNegative(cost) + spare;
  }

  isFull(nowMs: number): boolean {
    return this.#level(nowMs) >= this.#burst;
  }

  /**
   * Takes `cost` tokens, all or none.
   *
   * @param cost - Tokens, 0 or more, fractions allowed.
   * @returns Whether they were taken; `false` leaves the bucket as it was.
   * @throws RangeError for a negative cost or NaN.
   */
  take(nowMs: number, cost: number): boolean {
    const level = this.#level(nowMs);
    if (!(level >= nonNegative(cost))) return false;
    this.#move(nowMs, level, cost);
    return true;
  }

  /** Nothing can be done: it refills by itself. */
  miss(): void {}

  /**
   * Gives back `cost` tokens of an earlier {@link take} whose request was not started. Never fills above
   * {@link burst}.
   *
   * @throws RangeError for a negative cost or NaN.
   */
  refund(nowMs: number, cost: number): void {
    nonNegative(cost);
    const level = this.#level(nowMs);
    // Giving to a bucket that is full afterwards is the same as starting from a full one.
    if (level + cost >= this.#burst) this.#anchor(nowMs, this.#burst);
    else this.#move(nowMs, level, -cost);
  }

  /**
   * Milliseconds from `nowMs` until `cost` tokens, and `spare` to be left, are there, if nobody else takes any: a
   * {@link take} at `nowMs + msUntil` succeeds. 0 when they are there now, `Infinity` when they exceed {@link burst} or
   * nothing refills.
   */
  msUntil(nowMs: number, cost: number, spare: number = 0): number {
    const wanted = nonNegative(cost) + spare;
    const lacking = wanted - this.#level(nowMs);
    if (lacking <= 0) return 0;
    if (wanted > this.#burst || this.#perSecond === 0) return Number.POSITIVE_INFINITY;
    // Refill starts again only when the instants have caught up with the latest one.
    let waitMs = Math.max(0, this.#latestMs - nowMs) + (lacking * 1000) / this.#perSecond;
    for (let nudge = NUDGE_MS; this.#level(nowMs + waitMs) < wanted; nudge *= 2) waitMs += nudge;
    return waitMs;
  }

  /**
   * Changes rate and capacity from `nowMs` on. The tokens that are there stay, up to the new capacity; time before
   * `nowMs` counts at the old rate.
   *
   * @throws RangeError when either is out of range; the bucket then keeps both.
   */
  reconfigure(nowMs: number, refillPerSecond: number, burst: number): void {
    requireNumber('refillPerSecond', refillPerSecond, { min: 0 });
    requireNumber('burst', burst);
    const level = this.#level(nowMs);
    this.#perSecond = refillPerSecond;
    this.#burst = burst;
    this.#anchor(nowMs, Math.min(level, burst));
  }

  /** Carries its level; rate and burst are settings. See {@link Archive}. */
  archive(io: Archive): void {
    this.#credit = io.number(this.#credit);
    this.#anchorMs = io.number(this.#anchorMs);
    this.#latestMs = io.number(this.#latestMs);
    this.#taken = io.number(this.#taken);
    this.#takenError = io.number(this.#takenError);
  }

  #level(nowMs: number): number {
    const atMs = nowMs > this.#latestMs ? nowMs : this.#latestMs;
    const refilled = ((atMs - this.#anchorMs) * this.#perSecond) / 1000;
    const level = this.#credit + refilled - this.#taken;
    return level < this.#burst ? level : this.#burst;
  }

  #move(nowMs: number, level: number, cost: number): void {
    if (level >= this.#burst) this.#anchor(nowMs, this.#burst);
    else if (nowMs > this.#latestMs) this.#latestMs = nowMs;
    const corrected = cost - this.#takenError;
    const sum = this.#taken + corrected;
    this.#takenError = sum - this.#taken - corrected;
    this.#taken = sum;
  }

  #anchor(nowMs: number, credit: number): void {
    if (nowMs > this.#latestMs) this.#latestMs = nowMs;
    this.#anchorMs = this.#latestMs;
    this.#credit = credit;
    this.#taken = 0;
    this.#takenError = 0;
  }
}

function nonNegative(cost: number): number {
  if (cost >= 0) return cost;
  throw new RangeError(`cost is ${cost}: give a number of tokens of at least 0`);
}
