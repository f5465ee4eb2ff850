import type { Archive } from './archive.js';
import type { HeadroomGauge } from './headroom-gauge.js';
import { type PriorityRank, TOP_RANK } from './priority.js';
import type { Ticket } from './ticket.js';

/** The seats of one pool: how many are in use, by which class, and whether a ticket fits. */
export class Seats {
  readonly #headroom: HeadroomGauge;
  readonly #byClass: [number, number, number, number] = [0, 0, 0, 0];
  /** The concurrency limit. */
  limit: number;
  #inUse = 0;
  /** Predicted hold times, one for each seat in use: of all classes, and of those below the top one. */
  #holdMs = 0;
  #lowerHoldMs = 0;

  constructor(limit: number, headroom: HeadroomGauge) {
    this.limit = limit;
    this.#headroom = headroom;
  }

  /** Seats in use. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Seats in use, by class. */
  get byClass(): readonly [number, number, number, number] {
    return this.#byClass;
  }

  /** Seats in use below the top class. */
  get lower(): number {
    return this.#inUse - this.#byClass[TOP_RANK];
  }

  /** How long the seats in use are held on average, as predicted, in milliseconds; 0 when none is. */
  get meanHoldMs(): number {
    return this.#inUse === 0 ? 0 : this.#holdMs / this.#inUse;
  }

  /** Seats that lower classes leave to the top class at this instant. */
  headroom(nowMs: number): number {
    const { lower } = this;
    return this.#headroom.seats(nowMs, this.limit, lower === 0 ? 0 : this.#lowerHoldMs / lower);
  }

  /** Seats that the top class keeps busy on average. */
  topBusy(nowMs: number): number {
    return this.#headroom.busySeats(nowMs);
  }

  /** Seats that a class may use at most. */
  open(nowMs: number, rank: PriorityRank): number {
    return rank === TOP_RANK ? this.limit : this.limit - this.headroom(nowMs);
  }

  /** Seats that a class could take now. */
  free(nowMs: number, rank: PriorityRank): number {
    const all = this.limit - this.#inUse;
    return rank === TOP_RANK || all <= 0 ? all : Math.min(all, this.limit - this.headroom(nowMs) - this.lower);
  }

  /**
   * How long until so many of the seats in use are free, in milliseconds: where the leases stand at random points of
   * their hold, the k-th of n ends after k / (n + 1) of it on average.
   */
  freeAfterMs(seats: number): number {
    return (this.meanHoldMs * seats) / (this.#inUse + 1);
  }

  /** Seats that a ticket gets: what it asks for, but never more than there are for its class, or it waited for ever. */
  wanted(nowMs: number, ticket: Ticket): number {
    return ticket.seats === 1 ? 1 : Math.max(1, Math.min(ticket.seats, this.open(nowMs, ticket.rank)));
  }

  /** Whether a ticket could get its seats now. */
  fits(nowMs: number, ticket: Ticket): boolean {
    return this.free(nowMs, ticket.rank) >= this.wanted(nowMs, ticket);
  }

  /** Seats a ticket: `seats` of them, for a predicted time. */
  take(nowMs: number, ticket: Ticket, seats: number, holdMs: number): void {
    ticket.state = 'leased';
    ticket.leasedAtMs = nowMs;
    ticket.heldSeats = seats;
    ticket.returnedSeatMs = 0;
    ticket.expectedHoldMs = holdMs;
    ticket.expectedMs = holdMs * seats;
    this.#count(ticket, seats);
  }

  /** Takes some seats of a ticket back, and notes the seat-milliseconds that they were used. */
  giveBack(nowMs: number, ticket: Ticket, seats: number): void {
    this.#count(ticket, -seats);
    ticket.heldSeats -= seats;
    ticket.returnedSeatMs += seats * Math.max(0, nowMs - ticket.leasedAtMs);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    io.numbers(this.#byClass);
    this.limit = io.number(this.limit);
    this.#inUse = io.number(this.#inUse);
    this.#holdMs = io.number(this.#holdMs);
    this.#lowerHoldMs = io.number(this.#lowerHoldMs);
  }

  #count({ rank, expectedHoldMs }: Ticket, seats: number): void {
    this.#inUse += seats;
    this.#byClass[rank] += seats;
    // Sums of many floating-point steps drift; empty seats are held for no time.
    this.#holdMs = this.#inUse === 0 ? 0 : this.#holdMs + seats * expectedHoldMs;
    if (rank === TOP_RANK) return;
    this.#lowerHoldMs = this.lower === 0 ? 0 : this.#lowerHoldMs + seats * expectedHoldMs;
  }
}
