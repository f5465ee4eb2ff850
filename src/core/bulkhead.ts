import type { Refusal } from '../errors.js';
import { ClassLoad } from './class-load.js';
import { ClassShares, DEFAULT_SHARES, type Shares } from './class-shares.js';
import { hopeless, mayQueue, mayStart } from './feasibility.js';
import { HeadroomGauge } from './headroom-gauge.js';
import { Outage } from './outage.js';
import { type PriorityRank, TOP_RANK } from './priority.js';
import type { Ticket } from './ticket.js';
import { WorkQueue } from './work-queue.js';

/** Settings of a {@link Bulkhead}. */
export interface BulkheadOptions {
  /** Seats, at least 0. With 0 nothing passes. */
  readonly seats: number;
  /** Seats that lower classes leave to the top class. `undefined`: measured from its arrivals. */
  readonly headroom?: number | undefined;
  /** Whether a route of the top class uses these seats; without one there is no headroom. */
  readonly servesTopClass: boolean;
  readonly shares?: Shares;
  /** How much of an outage tickets wait out, counted from its start, in milliseconds. Default 2,000. */
  readonly rideOutMs?: number;
}

/** What became of an arrival: it holds a seat, it is queued, or it is refused. */
export type Arrival = 'leased' | 'queued' | Refusal;

/**
 * Seats and the queue before them, for one pool: decides who gets a seat, who waits and who is shed.
 *
 * A free seat goes at once; otherwise predicted wait plus p90 of the route's hold time must fit into the time left, and
 * the queue holds no more than a bounded amount of predicted work. A freed seat goes to a lower class that is below its
 * minimum, else to the top class, else to the lower class that was served least.
 *
 * A pure state machine: the instant is an argument, and the same calls give the same decisions.
 */
export class Bulkhead<Owner = unknown> {
  readonly #queue = new WorkQueue<Owner>();
  readonly #accounts: ClassShares;
  readonly #shares: Shares;
  readonly #load = new ClassLoad();
  readonly #headroom: HeadroomGauge;
  readonly #inFlight: [number, number, number, number] = [0, 0, 0, 0];
  /** The outage of the server behind the seats, if there is one. */
  readonly outage: Outage;
  #seats: number;
  #inUse = 0;

  constructor(options: BulkheadOptions) {
    this.#seats = options.seats;
    this.#headroom = new HeadroomGauge({ fixed: options.headroom, servesTopClass: options.servesTopClass });
    this.outage = new Outage(options.rideOutMs ?? 2_000);
    this.#shares = options.shares ?? DEFAULT_SHARES;
    this.#accounts = new ClassShares(this.#shares);
  }

  /** The concurrency limit. */
  get seats(): number {
    return this.#seats;
  }

  /** Seats in use. */
  get inFlight(): number {
    return this.#inUse;
  }

  /** Tickets that wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Tickets of one class that wait. */
  queuedOf(rank: PriorityRank): number {
    return this.#queue.count(rank);
  }

  /** Seats that lower classes leave to the top class at this instant. */
  headroom(nowMs: number): number {
    return this.#headroom.seats(nowMs, this.#seats);
  }

  /**
   * What would refuse this ticket at once, judged before its body is read. Changes no quota, so it may be asked for a
   * ticket that never arrives.
   */
  preflight(nowMs: number, ticket: Ticket): Refusal | undefined {
    const refusal = hopeless(nowMs, ticket);
    if (refusal !== undefined || this.#seatFor(nowMs, ticket.rank)) return refusal;
    return this.#mayQueue(nowMs, ticket);
  }

  /** A ticket arrives, with everything it needs. */
  arrive(nowMs: number, ticket: Ticket<Owner>): Arrival {
    if (ticket.rank === TOP_RANK) this.#headroom.noteArrival(nowMs, ticket.route.times.meanMs(nowMs));
    if (this.#seatFor(nowMs, ticket.rank)) {
      this.#lease(nowMs, ticket);
      return 'leased';
    }
    const refusal = this.#mayQueue(nowMs, ticket);
    if (refusal !== undefined) {
      ticket.state = 'ended';
      return refusal;
    }
    this.#queue.add(nowMs, ticket, false);
    return 'queued';
  }

  /** A ticket that gave its seat up wants one again: it goes to the head of its class, and is never refused here. */
  comeBack(nowMs: number, ticket: Ticket<Owner>): 'leased' | 'queued' {
    if (this.#seatFor(nowMs, ticket.rank)) {
      this.#lease(nowMs, ticket);
      return 'leased';
    }
    this.#advance(nowMs);
    this.#queue.add(nowMs, ticket, true);
    return 'queued';
  }

  /**
   * The next ticket whose waiting ends: it is `leased` now, or `ended` with a refusal because it cannot make its
   * deadline any more. `undefined` when no seat or no ticket can be had.
   */
  next(nowMs: number): Ticket<Owner> | undefined {
    if (this.#queue.size === 0) this.outage.recovered();
    if (this.#queue.size === 0 || this.outage.down) return undefined;
    this.#advance(nowMs);
    const rank = this.#pick(nowMs);
    const ticket = rank === undefined ? undefined : this.#queue.head(rank);
    if (ticket === undefined) return undefined;
    this.#queue.remove(ticket);
    ticket.refusal = mayStart(nowMs, ticket);
    if (ticket.refusal === undefined) this.#lease(nowMs, ticket);
    else ticket.state = 'ended';
    return ticket;
  }

  /** Takes a queued ticket out: its client left, its time is over, or its owner drains. False when it is not queued. */
  withdraw(nowMs: number, ticket: Ticket<Owner>): boolean {
    if (ticket.state !== 'queued') return false;
    this.#advance(nowMs);
    this.#queue.remove(ticket);
    ticket.state = 'ended';
    return true;
  }

  /** Ends the lease of a ticket; `away` keeps the ticket for {@link comeBack}. */
  release(nowMs: number, ticket: Ticket<Owner>, next: 'ended' | 'away' = 'ended'): void {
    if (ticket.state !== 'leased') throw new Error(`a ticket in state "${ticket.state}" holds no seat to release`);
    if (this.#queue.size > 0) this.#advance(nowMs);
    ticket.state = next;
    this.#inUse--;
    this.#inFlight[ticket.rank]--;
    const heldMs = Math.max(0, nowMs - ticket.leasedAtMs);
    ticket.heldBeforeMs += heldMs;
    this.#accounts.charge(ticket.rank, heldMs - ticket.expectedMs, this.#seats);
  }

  /** Changes the concurrency limit. Leases beyond a smaller one run to their end. */
  resize(nowMs: number, seats: number): void {
    this.#advance(nowMs);
    this.#seats = seats;
  }

  /** Somebody who waits, the most important class first; `undefined` when nobody does. */
  anyQueued(): Ticket<Owner> | undefined {
    return this.#queue.first();
  }

  /** The server behind the seats answers again. */
  endOutage(nowMs: number): void {
    this.outage.end(nowMs);
    if (this.#queue.size === 0) this.outage.recovered();
  }

  /** Milliseconds until a ticket that arrives now would get a seat, as far as can be predicted. */
  predictedWaitMs(nowMs: number, { rank, route }: Ticket): number {
    this.#advance(nowMs);
    const seats = this.#load.seats(rank, this.#nominalSeats(nowMs, rank), this.#leastSeats(rank));
    return this.#queue.workMs(rank, route.times.meanMs(nowMs)) / seats;
  }

  #mayQueue(nowMs: number, ticket: Ticket): Refusal | undefined {
    return mayQueue(nowMs, ticket, this.predictedWaitMs(nowMs, ticket), this.#queue.size, this.outage);
  }

  /** Whether a ticket of this class may take a free seat past those that wait. */
  #seatFor(nowMs: number, rank: PriorityRank): boolean {
    if (this.#inUse >= this.#seats || this.outage.down || this.#queue.waits(rank)) return false;
    return rank === TOP_RANK || (!this.#queue.waits(TOP_RANK) && this.#lowerMayTake(nowMs));
  }

  #lowerMayTake(nowMs: number): boolean {
    return this.#inUse - this.#inFlight[TOP_RANK] < this.#seats - this.headroom(nowMs);
  }

  #pick(nowMs: number): PriorityRank | undefined {
    if (this.#inUse >= this.#seats) return undefined;
    const top = this.#queue.waits(TOP_RANK) ? TOP_RANK : undefined;
    if (this.#queue.lowerSize === 0 || !this.#lowerMayTake(nowMs)) return top;
    return this.#accounts.owed(this.#queue.waits) ?? top ?? this.#accounts.leastServed(this.#queue.waits);
  }

  #nominalSeats(nowMs: number, rank: PriorityRank): number {
    if (rank === TOP_RANK) return this.#seats * (this.#queue.lowerSize > 0 ? this.#shares.cap : 1);
    return this.#queue.waits(TOP_RANK) ? this.#leastSeats(rank) : this.#seats - this.headroom(nowMs);
  }

  /** What a class gets in any case; a little more than nothing, so that a wait can be computed. */
  #leastSeats(rank: PriorityRank): number {
    return Math.max(0.01, this.#seats * (rank === TOP_RANK ? this.#shares.cap : this.#shares.minima[rank]));
  }

  #advance(nowMs: number): void {
    this.#accounts.advance(nowMs, this.#seats, this.#queue.waits);
    this.#load.advance(nowMs, this.#inFlight, this.#queue.waits);
  }

  #lease(nowMs: number, ticket: Ticket<Owner>): void {
    ticket.state = 'leased';
    ticket.leasedAtMs = nowMs;
    ticket.expectedMs = ticket.route.times.meanMs(nowMs);
    ticket.route.lastLeaseMs = nowMs;
    this.#inUse++;
    this.#inFlight[ticket.rank]++;
    this.#accounts.charge(ticket.rank, ticket.expectedMs, this.#seats);
  }
}
