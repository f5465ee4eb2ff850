import type { Archive } from './archive.js';

/** So long the queue is watched before its places are judged. */
const WINDOW_MS = 500;
/** Tickets that are to be left when it is emptiest, so that no seat ever waits for one. */
const RESERVE = 6;
/** With fewer left than this it was nearly empty, and gets more places at once. */
const SCARCE = 2;

/**
 * How many places a queue needs in an overload that lasts, for its seats never to wait: as many as it has, without those
 * that were taken all the time. They only make people wait who are turned away in the end. What a queue keeps standing
 * does no good: Nichols and Jacobson, Controlling Queue Delay, ACM Queue 2012.
 *
 * Pure: the instant is an argument.
 */
export class NeededPlaces {
  #places = Number.POSITIVE_INFINITY;
  #least = 0;
  #most = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** Tickets that may wait; `Infinity` until that is known. */
  get places(): number {
    return this.#places;
  }

  /** A ticket was taken out in an overload that lasts, and so many are left. */
  left(nowMs: number, count: number): void {
    this.#least = Math.min(this.#least, count);
    this.#most = Math.max(this.#most, count);
    const seenMs = nowMs - this.#sinceMs;
    if (seenMs < WINDOW_MS) return;
    // Of a gap nothing is known.
    if (seenMs < 2 * WINDOW_MS) this.#judge();
    this.#least = count;
    this.#most = count;
    this.#sinceMs = nowMs;
  }

  /** The overload is over. */
  forget(): void {
    this.#places = Number.POSITIVE_INFINITY;
    this.#sinceMs = Number.NEGATIVE_INFINITY;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#places = io.number(this.#places);
    this.#least = io.number(this.#least);
    this.#most = io.number(this.#most);
    this.#sinceMs = io.number(this.#sinceMs);
  }

  #judge(): void {
    // Where it has not even filled them, it needs no bound any more.
    const filled = this.#most >= this.#places - 1;
    if (this.#least < SCARCE) this.#places = filled ? 2 * this.#places : Number.POSITIVE_INFINITY;
    else if (this.#least > RESERVE) this.#places = Math.min(this.#places, this.#most) - (this.#least - RESERVE) / 2;
  }
}
