import type { Refusal } from '../errors.js';
import { ArrivalRate } from './arrival-rate.js';
import { ClassLoad } from './class-load.js';
import { ClassQueue } from './class-queue.js';
import { ClassShares, DEFAULT_SHARES, type Shares } from './class-shares.js';
import { headroomSeats } from './headroom.js';
import { Outage } from './outage.js';
import { type PriorityRank, TOP_RANK } from './priority.js';
import { databaseUnavailable, deadlineUnreachable, expiredInQueue, queueFull } from './refusals.js';
import type { RouteLoad, Ticket } from './ticket.js';

/** Settings of a {@link Bulkhead}. */
export interface BulkheadOptions {
  /** Seats, at least 0. With 0 nothing passes. */
  readonly seats: number;
  /** Seats that lower classes leave to the top class. `undefined`: computed from its arrivals; see {@link headroomSeats}. */
  readonly headroom?: number | undefined;
  /** Whether a route of the top class uses these seats; without one there is no headroom. */
  readonly servesTopClass: boolean;
  readonly shares?: Shares;
  /** How much of an outage tickets wait out, counted from its start, in milliseconds. Default 2,000. */
  readonly rideOutMs?: number;
}

/** What became of an arrival: it holds a seat, it is queued, or it is refused. */
export type Arrival = 'leased' | 'queued' | Refusal;

/** A route that was refused on its estimate alone is let through this often, so that the estimate can be wrong. */
const PROBE_EVERY_MS = 1_000;
const LEAST_QUEUE_MS = { top: 300, lower: 150 } as const;

/**
 * Seats and the queue before them, for one pool: decides who gets a seat, who waits and who is shed.
 *
 * The discipline (DESIGN §4): a free seat goes at once; otherwise predicted wait plus p90 of the route's hold time must
 * fit into the time left, and the queue holds no more than a bounded amount of predicted work. A freed seat goes to a
 * lower class that is below its minimum, else to the top class, else to the lower class that was served least.
 *
 * A pure state machine: the instant is an argument, and the same calls give the same decisions.
 */
export class Bulkhead<Owner = unknown> {
  readonly #queue = new ClassQueue<Ticket<Owner>>();
  readonly #shares: ClassShares;
  readonly #minima: Shares['minima'];
  readonly #cap: number;
  readonly #load = new ClassLoad();
  readonly #topArrivals = new ArrivalRate();
  readonly #servesTopClass: boolean;
  readonly #fixedHeadroom: number | undefined;
  readonly #inFlight: [number, number, number, number] = [0, 0, 0, 0];
  /** Queued seat-milliseconds by class, as predicted when each ticket was queued. */
  readonly #work: [number, number, number, number] = [0, 0, 0, 0];
  readonly #waiting = (rank: PriorityRank): boolean => this.#queue.count(rank) > 0;
  readonly #outage: Outage;
  #seats: number;
  #inUse = 0;
  #headroom = 0;
  #headroomAtMs = Number.NEGATIVE_INFINITY;
  #topMeanMs = 0;

  constructor(options: BulkheadOptions) {
    this.#seats = options.seats;
    this.#servesTopClass = options.servesTopClass;
    this.#fixedHeadroom = options.headroom;
    this.#outage = new Outage(options.rideOutMs ?? 2_000);
    const shares = options.shares ?? DEFAULT_SHARES;
    this.#shares = new ClassShares(shares);
    this.#minima = shares.minima;
    this.#cap = shares.cap;
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

  /** Seats in use by one class. */
  inFlightOf(rank: PriorityRank): number {
    return this.#inFlight[rank];
  }

  /** Tickets of one class that wait. */
  queuedOf(rank: PriorityRank): number {
    return this.#queue.count(rank);
  }

  /** The outage of the pool behind the seats, if there is one. */
  get outage(): Outage {
    return this.#outage;
  }

  /** Seats that lower classes leave free at this instant. */
  headroom(nowMs: number): number {
    if (!this.#servesTopClass) return 0;
    if (this.#fixedHeadroom !== undefined) return this.#fixedHeadroom;
    if (nowMs - this.#headroomAtMs >= 100) {
      this.#headroomAtMs = nowMs;
      this.#headroom = headroomSeats(this.#topArrivals.perSecond(nowMs), this.#topMeanMs, this.#seats);
    }
    return this.#headroom;
  }

  /**
   * What would refuse this ticket at once, judged before its body is read. Changes nothing, so it may be asked for a
   * ticket that never arrives.
   */
  preflight(nowMs: number, ticket: Ticket<Owner>): Refusal | undefined {
    const { route } = ticket;
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    const p50 = route.times.p50(nowMs);
    if (p50 > timeLeftMs && !this.#probes(nowMs, route)) return deadlineUnreachable(route.name, timeLeftMs, 0, p50);
    if (!this.#outage.down && this.#seatFor(nowMs, ticket.rank)) return undefined;
    return this.#refusal(nowMs, ticket);
  }

  /** A ticket arrives, with everything it needs. */
  arrive(nowMs: number, ticket: Ticket<Owner>): Arrival {
    if (ticket.rank === TOP_RANK) {
      this.#topArrivals.note(nowMs);
      this.#topMeanMs = ticket.route.times.meanMs(nowMs);
    }
    if (!this.#outage.down && this.#seatFor(nowMs, ticket.rank)) {
      this.#lease(nowMs, ticket);
      return 'leased';
    }
    const refusal = this.#refusal(nowMs, ticket);
    if (refusal !== undefined) {
      ticket.state = 'ended';
      return refusal;
    }
    this.#enqueue(nowMs, ticket, false);
    return 'queued';
  }

  /** A ticket that gave its seat up wants one again: it goes to the head of its class, and is never refused here. */
  comeBack(nowMs: number, ticket: Ticket<Owner>): 'leased' | 'queued' {
    if (!this.#outage.down && this.#seatFor(nowMs, ticket.rank)) {
      this.#lease(nowMs, ticket);
      return 'leased';
    }
    this.#enqueue(nowMs, ticket, true);
    return 'queued';
  }

  /**
   * The next ticket whose waiting ends: it is `leased` now, or `ended` with a refusal because it cannot make its
   * deadline any more. `undefined` when no seat or no ticket can be had.
   */
  next(nowMs: number): Ticket<Owner> | undefined {
    if (this.#queue.size === 0 || this.#outage.down) return undefined;
    this.#advance(nowMs);
    const rank = this.#pick(nowMs);
    const ticket = rank === undefined ? undefined : this.#queue.oldest(rank);
    if (ticket === undefined) return undefined;
    this.#dequeue(ticket);
    ticket.refusal = this.#tooLate(nowMs, ticket);
    if (ticket.refusal === undefined) this.#lease(nowMs, ticket);
    else ticket.state = 'ended';
    return ticket;
  }

  /** Takes a queued ticket out: its client left, its time is over, or its owner drains. False when it is not queued. */
  withdraw(nowMs: number, ticket: Ticket<Owner>): boolean {
    if (ticket.state !== 'queued') return false;
    this.#advance(nowMs);
    this.#dequeue(ticket);
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
    this.#shares.charge(ticket.rank, heldMs - ticket.expectedMs, this.#seats);
  }

  /** Changes the concurrency limit. Leases beyond a smaller one run to their end. */
  resize(nowMs: number, seats: number): void {
    this.#advance(nowMs);
    this.#seats = seats;
    this.#headroomAtMs = Number.NEGATIVE_INFINITY;
  }

  /** The oldest ticket of the most important class that waits: for draining and for the end of a ride-out. */
  anyQueued(): Ticket<Owner> | undefined {
    return this.#queue.oldest(0) ?? this.#queue.oldest(1) ?? this.#queue.oldest(2) ?? this.#queue.oldest(3);
  }

  /** Milliseconds until a ticket that arrives now would get a seat, as far as can be predicted. */
  predictedWaitMs(rank: PriorityRank, nowMs: number): number {
    this.#advance(nowMs);
    return this.#work[rank] / this.#load.seats(rank, this.#nominalSeats(rank, nowMs), this.#leastSeats(rank));
  }

  #seatFor(nowMs: number, rank: PriorityRank): boolean {
    if (this.#inUse >= this.#seats) return false;
    if (this.#queue.size === 0) return rank === TOP_RANK || this.#lowerMayTake(nowMs);
    if (this.#queue.count(rank) > 0) return false;
    return rank === TOP_RANK || (this.#queue.count(TOP_RANK) === 0 && this.#lowerMayTake(nowMs));
  }

  #lowerMayTake(nowMs: number): boolean {
    return this.#inUse - this.#inFlight[TOP_RANK] < this.#seats - this.headroom(nowMs);
  }

  #pick(nowMs: number): PriorityRank | undefined {
    if (this.#inUse >= this.#seats) return undefined;
    const topWaits = this.#queue.count(TOP_RANK) > 0;
    if (this.#queue.size === this.#queue.count(TOP_RANK) || !this.#lowerMayTake(nowMs)) {
      return topWaits ? TOP_RANK : undefined;
    }
    return this.#shares.owed(this.#waiting) ?? (topWaits ? TOP_RANK : this.#shares.leastServed(this.#waiting));
  }

  #refusal(nowMs: number, ticket: Ticket<Owner>): Refusal | undefined {
    const { route, rank } = ticket;
    const waitMs = this.predictedWaitMs(rank, nowMs);
    if (route.queued >= route.maxQueued) return queueFull(route.name, this.#queue.size, waitMs);
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    const p90 = route.times.p90(nowMs);
    if (this.#outage.down) {
      const outageMs = this.#outage.leftToRideOutMs(nowMs);
      if (outageMs > 0 && outageMs + waitMs + p90 <= timeLeftMs) return undefined;
      const measured = { route: route.name, down_for_ms: Math.round(this.#outage.lastedMs(nowMs)) };
      return databaseUnavailable(measured, Math.max(1_000, outageMs));
    }
    if (waitMs + p90 > timeLeftMs && !this.#probes(nowMs, route)) {
      return deadlineUnreachable(route.name, timeLeftMs, waitMs, p90);
    }
    if (this.#outage.recovering(nowMs)) return undefined;
    if (waitMs > this.#queueBoundMs(nowMs, route, rank)) return queueFull(route.name, this.#queue.size, waitMs);
    return undefined;
  }

  #queueBoundMs(nowMs: number, route: RouteLoad, rank: PriorityRank): number {
    const leastMs = rank === TOP_RANK ? LEAST_QUEUE_MS.top : LEAST_QUEUE_MS.lower;
    return Math.min(route.deadlineMs / 4, Math.max(leastMs, 2 * route.times.p50(nowMs)));
  }

  #tooLate(nowMs: number, ticket: Ticket<Owner>): Refusal | undefined {
    const timeLeftMs = ticket.deadlineAtMs - nowMs;
    if (timeLeftMs <= 0) return expiredInQueue(ticket.route.name, nowMs - ticket.queuedAtMs);
    const p90 = ticket.route.times.p90(nowMs);
    const begun = ticket.heldBeforeMs > 0;
    if (begun || p90 <= timeLeftMs || this.#probes(nowMs, ticket.route)) return undefined;
    return deadlineUnreachable(ticket.route.name, timeLeftMs, 0, p90);
  }

  #probes(nowMs: number, route: RouteLoad): boolean {
    return route.queued === 0 && nowMs - route.lastLeaseMs >= PROBE_EVERY_MS;
  }

  #nominalSeats(rank: PriorityRank, nowMs: number): number {
    const lowerWaits = this.#queue.size > this.#queue.count(TOP_RANK);
    if (rank === TOP_RANK) return this.#seats * (lowerWaits ? this.#cap : 1);
    if (this.#queue.count(TOP_RANK) > 0) return this.#leastSeats(rank);
    return Math.max(this.#leastSeats(rank), this.#seats - this.headroom(nowMs));
  }

  #leastSeats(rank: PriorityRank): number {
    return Math.max(0.01, this.#seats * (rank === TOP_RANK ? this.#cap : this.#minima[rank]));
  }

  #advance(nowMs: number): void {
    this.#shares.advance(nowMs, this.#seats, this.#waiting);
    this.#load.advance(nowMs, this.#inFlight, this.#waiting);
  }

  #lease(nowMs: number, ticket: Ticket<Owner>): void {
    ticket.state = 'leased';
    ticket.leasedAtMs = nowMs;
    ticket.expectedMs = ticket.route.times.meanMs(nowMs);
    ticket.route.lastLeaseMs = nowMs;
    this.#inUse++;
    this.#inFlight[ticket.rank]++;
    this.#shares.charge(ticket.rank, ticket.expectedMs, this.#seats);
  }

  #enqueue(nowMs: number, ticket: Ticket<Owner>, first: boolean): void {
    this.#advance(nowMs);
    ticket.state = 'queued';
    ticket.queuedAtMs = nowMs;
    ticket.expectedMs = ticket.route.times.meanMs(nowMs);
    ticket.route.queued++;
    this.#work[ticket.rank] += ticket.expectedMs;
    if (first) this.#queue.putFirst(ticket);
    else this.#queue.put(ticket);
  }

  #dequeue(ticket: Ticket<Owner>): void {
    this.#queue.remove(ticket);
    ticket.route.queued--;
    // Sums of many floating-point steps drift; an empty line has no work by definition.
    const left = this.#work[ticket.rank] - ticket.expectedMs;
    this.#work[ticket.rank] = this.#queue.count(ticket.rank) === 0 ? 0 : Math.max(0, left);
  }
}
