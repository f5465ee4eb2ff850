import type { Refusal } from '../errors.js';
import type { Archive } from './archive.js';
import { type BulkheadOptions, BulkheadParts } from './bulkhead-parts.js';
import { expired, hopeless, hopelessRefusal, lastStartMs, mayStart } from './feasibility.js';
import type { Outage } from './outage.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';
import type { Ticket } from './ticket.js';

/** What became of an arrival: it holds a seat, it is queued, or it is refused. */
export type Arrival = 'leased' | 'queued' | Refusal;

/**
 * Seats and the queue before them, for one pool: decides who gets a seat, who waits and who is shed.
 *
 * A free seat goes at once; otherwise predicted wait plus p90 of the route's hold time must fit into the time left, and
 * the queue holds no more than a bounded amount of predicted work (`Places`). Whose turn it is when a seat is
 * freed: `Turns`.
 *
 * A pure state machine: the instant is an argument, and the same calls give the same decisions.
 */
export class Bulkhead<Owner = unknown> {
  /** The outage of the server behind the seats, if there is one. */
  readonly outage: Outage;
  readonly #parts: BulkheadParts<Owner>;

  constructor(options: BulkheadOptions) {
    this.#parts = new BulkheadParts(options);
    this.outage = this.#parts.outage;
  }

  /** The concurrency limit. */
  get seats(): number {
    return this.#parts.seats.limit;
  }

  /** Seats in use. */
  get inFlight(): number {
    return this.#parts.seats.inUse;
  }

  /** Tickets that wait: for a seat, or to be told that they are shed. */
  get queued(): number {
    return this.#parts.queue.size + this.#parts.queue.leaving;
  }

  /** Tickets whose waiting has ended with a refusal, and that {@link next} hands out first. */
  get leaving(): number {
    return this.#parts.queue.leaving;
  }

  /** Tickets of one class that wait for a seat. */
  queuedOf(rank: PriorityRank): number {
    return this.#parts.queue.count(rank);
  }

  /** Tenants of one class that have an account. */
  tenantsOf(rank: PriorityRank): number {
    return this.#parts.queue.line(rank).tenants;
  }

  /** What is kept of tenants in all classes: accounts, and names of those without. */
  get tenantEntries(): number {
    return PRIORITY_RANKS.reduce<number>((sum, rank) => sum + this.#parts.queue.line(rank).entries, 0);
  }

  /** Seats that lower classes leave to the top class at this instant. */
  headroom(nowMs: number): number {
    return this.#parts.seats.headroom(nowMs);
  }

  /**
   * What would refuse this ticket at once, judged before its body is read. Changes no quota, so it may be asked for a
   * ticket that never arrives.
   */
  preflight(nowMs: number, ticket: Ticket): Refusal | undefined {
    if (this.#parts.discipline.feasibility && hopeless(nowMs, ticket)) {
      return hopelessRefusal(nowMs, ticket, this.predictedWaitMs(nowMs, ticket));
    }
    if (this.#parts.passes(nowMs, ticket)) return undefined;
    this.#parts.advance(nowMs);
    return this.#parts.judge(nowMs, ticket);
  }

  /** A ticket arrives, with everything it needs. Others may have to leave for it: see {@link leaving}. */
  arrive(nowMs: number, ticket: Ticket<Owner>): Arrival {
    if (ticket.rank === TOP_RANK) this.#parts.gauge.noteArrival(nowMs, ticket.route.times.meanMs(nowMs));
    if (this.#parts.startAtOnce(nowMs, ticket)) return 'leased';
    this.#parts.advance(nowMs);
    const refusal = this.#parts.judge(nowMs, ticket);
    if (refusal !== undefined) {
      ticket.state = 'ended';
      return refusal;
    }
    this.#parts.places.clear(nowMs, ticket);
    this.#parts.queue.add(nowMs, ticket, false);
    this.#parts.doubtful.note(nowMs, ticket);
    return 'queued';
  }

  /** A ticket that gave its seat up wants one again: it goes to the head of its class, and is never refused here. */
  comeBack(nowMs: number, ticket: Ticket<Owner>): 'leased' | 'queued' {
    if (this.#parts.startAtOnce(nowMs, ticket)) return 'leased';
    this.#parts.advance(nowMs);
    this.#parts.queue.add(nowMs, ticket, true);
    return 'queued';
  }

  /**
   * The next ticket whose waiting ends: it is `leased` now, or `ended` with a refusal, because it had to leave for
   * another or cannot make its deadline any more. `undefined` when no seat or no ticket can be had.
   */
  next(nowMs: number): Ticket<Owner> | undefined {
    const { queue, turns, leases, discipline } = this.#parts;
    const leaving = queue.nextLeaving();
    if (leaving !== undefined) {
      queue.remove(nowMs, leaving);
      leaving.state = 'ended';
      return leaving;
    }
    if (queue.size === 0) this.#recovered();
    if (queue.size === 0) return undefined;
    if (this.outage.down) return this.#nextHopeless(nowMs);
    this.#parts.advance(nowMs);
    const ticket = turns.next(nowMs);
    if (ticket === undefined) return undefined;
    const refusal = discipline.feasibility ? mayStart(nowMs, ticket) : expired(nowMs, ticket);
    if (refusal !== undefined) return this.#shed(nowMs, ticket, refusal);
    leases.begin(nowMs, ticket);
    return ticket;
  }

  /** Takes a queued ticket out: its client left, its time is over, or its owner drains. False when it is not queued. */
  withdraw(nowMs: number, ticket: Ticket<Owner>): boolean {
    if (ticket.state !== 'queued') return false;
    this.#parts.advance(nowMs);
    this.#parts.queue.remove(nowMs, ticket);
    ticket.state = 'ended';
    return true;
  }

  /** Ends the lease of a ticket; `away` keeps the ticket for {@link comeBack}. */
  release(nowMs: number, ticket: Ticket<Owner>, next: 'ended' | 'away' = 'ended'): void {
    this.#parts.mustHold(nowMs, ticket);
    this.#parts.leases.end(nowMs, ticket);
    ticket.state = next;
  }

  /**
   * Returns some seats of a leased ticket early, because its work turned out smaller. It keeps one at least; the others
   * go to whoever {@link next} names.
   *
   * @returns How many seats it returned.
   */
  giveBack(nowMs: number, ticket: Ticket<Owner>, seats: number): number {
    this.#parts.mustHold(nowMs, ticket);
    return this.#parts.leases.giveBack(nowMs, ticket, seats);
  }

  /** Changes the concurrency limit. Leases beyond a smaller one run to their end. */
  resize(nowMs: number, seats: number): void {
    this.#parts.advance(nowMs);
    this.#parts.seats.limit = seats;
    this.#parts.queue.recount(nowMs);
  }

  /** When a queued ticket is given up: at the last instant at which it can start and be done in time, as predicted. */
  givesUpAtMs(nowMs: number, ticket: Ticket<Owner>): number {
    return this.#parts.discipline.feasibility ? lastStartMs(nowMs, ticket) : ticket.deadlineAtMs;
  }

  /** Somebody who waits, the most important class first; `undefined` when nobody does. */
  anyQueued(): Ticket<Owner> | undefined {
    return this.#parts.queue.any(Number.NEGATIVE_INFINITY);
  }

  /** The server behind the seats is lost. A second call during one outage changes nothing. */
  beginOutage(nowMs: number): void {
    this.outage.begin(nowMs);
  }

  /** The server behind the seats answers again. */
  endOutage(nowMs: number): void {
    this.outage.end(nowMs);
    this.#parts.doubtful.clear();
    if (this.#parts.queue.size === 0) this.#recovered();
  }

  /**
   * For how long of its lease a ticket held its seat only because nothing moved, in milliseconds: the pool stood still,
   * and that is not how long its work takes. 0 for a ticket without a seat.
   */
  stoodStillMs(nowMs: number, { state, leasedAtMs }: Ticket<Owner>): number {
    return state === 'leased' ? this.#parts.standstill.withinMs(leasedAtMs, nowMs) : 0;
  }

  /** Milliseconds until a ticket that arrives now would get a seat, as far as can be predicted. */
  predictedWaitMs(nowMs: number, ticket: Ticket): number {
    this.#parts.advance(nowMs);
    return this.#parts.forecast.waitMs(nowMs, ticket);
  }

  /** Carries its state. Its tickets are known to the archive, which carries them; see {@link Archive}. */
  archive(io: Archive): void {
    this.#parts.archive(io);
  }

  /** Somebody who was queued before it was known that the server is away, and cannot wait for it. */
  #nextHopeless(nowMs: number): Ticket<Owner> | undefined {
    const hopeless = this.#parts.doubtful.next(nowMs);
    if (hopeless === undefined) return undefined;
    this.#parts.advance(nowMs);
    return this.#shed(nowMs, hopeless.ticket, hopeless.refusal);
  }

  #shed(nowMs: number, ticket: Ticket<Owner>, refusal: Refusal): Ticket<Owner> {
    this.#parts.queue.remove(nowMs, ticket);
    ticket.refusal = refusal;
    ticket.state = 'ended';
    return ticket;
  }

  #recovered(): void {
    this.outage.recovered();
    this.#parts.standstill.recovered();
  }
}
