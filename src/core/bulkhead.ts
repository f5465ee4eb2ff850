import type { Refusal } from '../errors.js';
import type { Archive } from './archive.js';
import { ClassShares, DEFAULT_SHARES, type Shares } from './class-shares.js';
import { DEFAULT_DISCIPLINE, type Discipline } from './discipline.js';
import { expired, hopeless, lastStartMs, mayStart } from './feasibility.js';
import { Forecast } from './forecast.js';
import { HeadroomGauge } from './headroom-gauge.js';
import { Leases } from './leases.js';
import { Outage } from './outage.js';
import { Places } from './places.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';
import { Seats } from './seats.js';
import type { Ticket } from './ticket.js';
import { Turns } from './turns.js';
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
  /** Mechanisms to switch off. Default: none. */
  readonly discipline?: Partial<Discipline>;
  /** Tenants of each class that have an account of their own at most; the others share one. Default 1,024. */
  readonly maxTenants?: number;
  /** Tickets that wait in all classes at most, whatever each route may queue. Default 65,536. */
  readonly maxQueued?: number;
}

/** What became of an arrival: it holds a seat, it is queued, or it is refused. */
export type Arrival = 'leased' | 'queued' | Refusal;

/**
 * Seats and the queue before them, for one pool: decides who gets a seat, who waits and who is shed.
 *
 * A free seat goes at once; otherwise predicted wait plus p90 of the route's hold time must fit into the time left, and
 * the queue holds no more than a bounded amount of predicted work ({@link Places}). Whose turn it is when a seat is
 * freed: {@link Turns}.
 *
 * A pure state machine: the instant is an argument, and the same calls give the same decisions.
 */
export class Bulkhead<Owner = unknown> {
  /** The outage of the server behind the seats, if there is one. */
  readonly outage: Outage;
  readonly #discipline: Discipline;
  readonly #gauge: HeadroomGauge;
  readonly #seats: Seats;
  readonly #queue: WorkQueue<Owner>;
  readonly #accounts: ClassShares;
  readonly #leases: Leases<Owner>;
  readonly #forecast: Forecast<Owner>;
  readonly #places: Places<Owner>;
  readonly #turns: Turns<Owner>;

  constructor(options: BulkheadOptions) {
    const discipline = { ...DEFAULT_DISCIPLINE, ...options.discipline };
    const shares = options.shares ?? DEFAULT_SHARES;
    const { maxTenants = 1_024, maxQueued = 65_536, servesTopClass } = options;
    this.#discipline = discipline;
    this.outage = new Outage(options.rideOutMs ?? 2_000);
    this.#gauge = new HeadroomGauge({
      fixed: discipline.headroom ? options.headroom : 0,
      servesTopClass,
    });
    this.#seats = new Seats(options.seats, this.#gauge);
    const mayOvertake = (nowMs: number): boolean =>
      discipline.lifo && !this.outage.down && !this.outage.recovering(nowMs);
    this.#queue = new WorkQueue({ mayOvertake, maxTenants });
    this.#accounts = new ClassShares(shares);
    this.#leases = new Leases(this.#queue, this.#seats, this.#accounts);
    this.#forecast = new Forecast(this.#queue, this.#seats, shares);
    this.#places = new Places(this.#queue, this.#forecast, { discipline, maxQueued, outage: this.outage });
    this.#turns = new Turns(this.#queue, this.#seats, this.#accounts, discipline);
  }

  /** The concurrency limit. */
  get seats(): number {
    return this.#seats.limit;
  }

  /** Seats in use. */
  get inFlight(): number {
    return this.#seats.inUse;
  }

  /** Tickets that wait: for a seat, or to be told that they are shed. */
  get queued(): number {
    return this.#queue.size + this.#queue.leaving;
  }

  /** Tickets whose waiting has ended with a refusal, and that {@link next} hands out first. */
  get leaving(): number {
    return this.#queue.leaving;
  }

  /** Tickets of one class that wait for a seat. */
  queuedOf(rank: PriorityRank): number {
    return this.#queue.count(rank);
  }

  /** Tenants of one class that have an account. */
  tenantsOf(rank: PriorityRank): number {
    return this.#queue.line(rank).tenants;
  }

  /** What is kept of tenants in all classes: accounts, and names of those that were served once. */
  get tenantEntries(): number {
    return PRIORITY_RANKS.reduce<number>((sum, rank) => sum + this.#queue.line(rank).entries, 0);
  }

  /** Seats that lower classes leave to the top class at this instant. */
  headroom(nowMs: number): number {
    return this.#seats.headroom(nowMs);
  }

  /**
   * What would refuse this ticket at once, judged before its body is read. Changes no quota, so it may be asked for a
   * ticket that never arrives.
   */
  preflight(nowMs: number, ticket: Ticket): Refusal | undefined {
    const refusal = this.#discipline.feasibility ? hopeless(nowMs, ticket) : undefined;
    if (refusal !== undefined || this.#passes(nowMs, ticket)) return refusal;
    this.#advance(nowMs);
    return this.#places.refusal(nowMs, ticket);
  }

  /** A ticket arrives, with everything it needs. Others may have to leave for it: see {@link leaving}. */
  arrive(nowMs: number, ticket: Ticket<Owner>): Arrival {
    if (ticket.rank === TOP_RANK) this.#gauge.noteArrival(nowMs, ticket.route.times.meanMs(nowMs));
    if (this.#passes(nowMs, ticket)) {
      this.#leases.begin(nowMs, ticket);
      return 'leased';
    }
    this.#advance(nowMs);
    const refusal = this.#places.refusal(nowMs, ticket);
    if (refusal !== undefined) {
      ticket.state = 'ended';
      return refusal;
    }
    this.#places.clear(nowMs, ticket);
    this.#queue.add(nowMs, ticket, false);
    return 'queued';
  }

  /** A ticket that gave its seat up wants one again: it goes to the head of its class, and is never refused here. */
  comeBack(nowMs: number, ticket: Ticket<Owner>): 'leased' | 'queued' {
    if (this.#passes(nowMs, ticket)) {
      this.#leases.begin(nowMs, ticket);
      return 'leased';
    }
    this.#advance(nowMs);
    this.#queue.add(nowMs, ticket, true);
    return 'queued';
  }

  /**
   * The next ticket whose waiting ends: it is `leased` now, or `ended` with a refusal, because it had to leave for
   * another or cannot make its deadline any more. `undefined` when no seat or no ticket can be had.
   */
  next(nowMs: number): Ticket<Owner> | undefined {
    const leaving = this.#queue.nextLeaving();
    if (leaving !== undefined) {
      this.#queue.remove(nowMs, leaving);
      leaving.state = 'ended';
      return leaving;
    }
    if (this.#queue.size === 0) this.outage.recovered();
    if (this.#queue.size === 0 || this.outage.down) return undefined;
    this.#advance(nowMs);
    const ticket = this.#turns.next(nowMs);
    if (ticket === undefined) return undefined;
    const refusal = this.#discipline.feasibility ? mayStart(nowMs, ticket) : expired(nowMs, ticket);
    if (refusal === undefined) {
      this.#leases.begin(nowMs, ticket);
      return ticket;
    }
    this.#queue.remove(nowMs, ticket);
    ticket.refusal = refusal;
    ticket.state = 'ended';
    return ticket;
  }

  /** Takes a queued ticket out: its client left, its time is over, or its owner drains. False when it is not queued. */
  withdraw(nowMs: number, ticket: Ticket<Owner>): boolean {
    if (ticket.state !== 'queued') return false;
    this.#advance(nowMs);
    this.#queue.remove(nowMs, ticket);
    ticket.state = 'ended';
    return true;
  }

  /** Ends the lease of a ticket; `away` keeps the ticket for {@link comeBack}. */
  release(nowMs: number, ticket: Ticket<Owner>, next: 'ended' | 'away' = 'ended'): void {
    this.#requireLease(nowMs, ticket);
    this.#leases.end(nowMs, ticket);
    ticket.state = next;
  }

  /**
   * Returns some seats of a leased ticket early, because its work turned out smaller. It keeps one at least; the others
   * go to whoever {@link next} names.
   *
   * @returns How many seats it returned.
   */
  giveBack(nowMs: number, ticket: Ticket<Owner>, seats: number): number {
    this.#requireLease(nowMs, ticket);
    return this.#leases.giveBack(nowMs, ticket, seats);
  }

  /** Changes the concurrency limit. Leases beyond a smaller one run to their end. */
  resize(nowMs: number, seats: number): void {
    this.#advance(nowMs);
    this.#seats.limit = seats;
  }

  /** When a queued ticket is given up: at the last instant at which it can start and be done in time, as predicted. */
  givesUpAtMs(nowMs: number, ticket: Ticket<Owner>): number {
    return this.#discipline.feasibility ? lastStartMs(nowMs, ticket) : ticket.deadlineAtMs;
  }

  /** Somebody who waits, the most important class first; `undefined` when nobody does. */
  anyQueued(): Ticket<Owner> | undefined {
    return this.#queue.any(Number.NEGATIVE_INFINITY);
  }

  /** The server behind the seats is lost. A second call during one outage changes nothing. */
  beginOutage(nowMs: number): void {
    this.outage.begin(nowMs);
  }

  /** The server behind the seats answers again. */
  endOutage(nowMs: number): void {
    this.outage.end(nowMs);
    if (this.#queue.size === 0) this.outage.recovered();
  }

  /** Milliseconds until a ticket that arrives now would get a seat, as far as can be predicted. */
  predictedWaitMs(nowMs: number, ticket: Ticket): number {
    this.#advance(nowMs);
    return this.#forecast.waitMs(nowMs, ticket);
  }

  /** Carries its state. Its tickets are known to the archive, which carries them; see {@link Archive}. */
  archive(io: Archive): void {
    for (const part of [this.outage, this.#gauge, this.#seats, this.#queue, this.#accounts]) part.archive(io);
    this.#forecast.archive(io);
    this.#turns.archive(io);
  }

  /** Whether a ticket may take free seats past those that wait. */
  #passes(nowMs: number, ticket: Ticket): boolean {
    return !this.outage.down && this.#turns.passes(nowMs, ticket);
  }

  #advance(nowMs: number): void {
    this.#accounts.advance(nowMs, this.#seats.limit, this.#queue.waits);
    this.#forecast.advance(nowMs);
  }

  #requireLease(nowMs: number, { state }: Ticket<Owner>): void {
    if (state !== 'leased') throw new Error(`a ticket in state "${state}" holds no seat to give back`);
    if (this.#queue.size > 0) this.#advance(nowMs);
  }
}
