import type { ClassShares } from './class-shares.js';
import type { Seats } from './seats.js';
import type { Standstill } from './standstill.js';
import type { Ticket } from './ticket.js';
import type { WorkQueue } from './work-queue.js';

/**
 * What a lease costs: class and tenant are charged seats x predicted time when it begins, and at its end the charge is
 * corrected to what was used, each seat for its own time.
 */
export class Leases<Owner> {
  readonly #queue: WorkQueue<Owner>;
  readonly #seats: Seats;
  readonly #accounts: ClassShares;
  readonly #standstill: Standstill;

  constructor(queue: WorkQueue<Owner>, seats: Seats, accounts: ClassShares, standstill: Standstill) {
    this.#queue = queue;
    this.#seats = seats;
    this.#accounts = accounts;
    this.#standstill = standstill;
  }

  /** A ticket gets the seats that it wants, from the queue or on arrival. */
  begin(nowMs: number, ticket: Ticket<Owner>): void {
    const { route } = ticket;
    this.#standstill.moves(nowMs);
    const seats = this.#seats.wanted(nowMs, ticket);
    const holdMs = route.times.meanMs(nowMs);
    this.#queue.serve(nowMs, ticket, holdMs * seats);
    this.#seats.take(nowMs, ticket, seats, holdMs);
    route.lastLeaseMs = nowMs;
    this.#accounts.begin(ticket, this.#seats.limit);
  }

  /** Takes some seats of a leased ticket back, all but one at most; how many. */
  giveBack(nowMs: number, ticket: Ticket<Owner>, seats: number): number {
    const returned = Math.min(Math.floor(seats), ticket.heldSeats - 1);
    if (!(returned > 0)) return 0;
    this.#standstill.moves(nowMs);
    this.#seats.giveBack(nowMs, ticket, returned);
    return returned;
  }

  /** A ticket gives all its seats back. */
  end(nowMs: number, ticket: Ticket<Owner>): void {
    this.#standstill.moves(nowMs);
    this.#seats.giveBack(nowMs, ticket, ticket.heldSeats);
    ticket.heldBeforeMs += Math.max(0, nowMs - ticket.leasedAtMs);
    this.#queue.settle(nowMs, ticket, ticket.returnedSeatMs - ticket.expectedMs);
    this.#accounts.end(ticket, ticket.returnedSeatMs, this.#seats.limit);
  }
}
