import type { Archive } from './archive.js';

/**
 * Seat-milliseconds that wait, as predicted when each ticket was queued, and tickets that were queued before anything
 * was known of their route: without a guess for those, a surge at the start would count as no work at all.
 */
export class QueuedWork {
  #knownMs = 0;
  #count = 0;
  /** Seats that tickets without a prediction ask for. */
  #unknownSeats = 0;

  /** Tickets counted. */
  get count(): number {
    return this.#count;
  }

  /**
   * Seat-milliseconds that wait.
   *
   * @param guessMs - What to count for each seat of a ticket of which nothing was known.
   */
  ms(guessMs: number): number {
    return this.#knownMs + this.#unknownSeats * guessMs;
  }

  /** Counts a ticket with its prediction, 0 where there is none. */
  add(expectedMs: number, seats: number): void {
    this.#count++;
    this.#knownMs += expectedMs;
    if (expectedMs === 0) this.#unknownSeats += seats;
  }

  /** Takes a ticket off again, with what it was counted with. */
  take(expectedMs: number, seats: number): void {
    this.#count--;
    if (expectedMs === 0) this.#unknownSeats -= seats;
    // Sums of many floating-point steps drift; where nobody waits there is no work by definition.
    this.#knownMs = this.#count === 0 ? 0 : Math.max(0, this.#knownMs - expectedMs);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#knownMs = io.number(this.#knownMs);
    this.#count = io.number(this.#count);
    this.#unknownSeats = io.number(this.#unknownSeats);
  }
}
