import type { Archive } from './archive.js';
import type { Ticket } from './ticket.js';

/**
 * Seat-milliseconds that wait, as predicted when each ticket was queued, and tickets that were queued before anything
 * was known of their route: without a guess for those, a surge at the start would count as no work at all.
 */
export class QueuedWork {
  #knownMs = 0;
  #count = 0;
  /** Seats that tickets without a prediction would be given. */
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

  /** Counts a ticket with its prediction, 0 where there is none, and the seats that it would be given. */
  add({ expectedMs, heldSeats }: Ticket): void {
    this.#count++;
    this.#knownMs += expectedMs;
    if (expectedMs === 0) this.#unknownSeats += heldSeats;
  }

  /** Takes a ticket off again, with what it was counted with. */
  take({ expectedMs, heldSeats }: Ticket): void {
    this.#count--;
    if (expectedMs === 0) this.#unknownSeats -= heldSeats;
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

/** A ticket that waits would be given so many seats from now on: all work that it is counted in follows. */
export function reseat(ticket: Ticket, seats: number, ...countedIn: readonly QueuedWork[]): void {
  for (const work of countedIn) work.take(ticket);
  ticket.heldSeats = seats;
  ticket.expectedMs = ticket.expectedHoldMs * seats;
  for (const work of countedIn) work.add(ticket);
}
