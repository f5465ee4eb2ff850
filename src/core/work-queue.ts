import type { Refusal } from '../errors.js';
import type { Archive } from './archive.js';
import { ClassLine, type ClassLineOptions } from './class-line.js';
import { ClassQueue } from './class-queue.js';
import { Line } from './line.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';
import { QueuedWork, reseat } from './queued-work.js';
import type { TenantLine } from './tenant-line.js';
import type { Ticket } from './ticket.js';

/** How many seats a ticket would be given now. */
export type SeatsFor = (nowMs: number, ticket: Ticket) => number;

const DEFAULTS: ClassLineOptions = { mayOvertake: () => true, bounded: false, maxTenants: 1_024 };

/**
 * All tickets that wait for one pool, by class. Before the tickets of a class stand those that come back after they gave
 * a seat up, or hold a reservation; beside all classes those that are evicted and have not been told yet.
 */
export class WorkQueue<Owner> {
  readonly #classes: readonly [ClassLine<Owner>, ClassLine<Owner>, ClassLine<Owner>, ClassLine<Owner>];
  readonly #first = new ClassQueue<Ticket<Owner>>();
  readonly #firstWork = [new QueuedWork(), new QueuedWork(), new QueuedWork(), new QueuedWork()] as const;
  readonly #leaving = new Line<Ticket<Owner>>();
  readonly #counts: [number, number, number, number] = [0, 0, 0, 0];
  readonly #seatsFor: SeatsFor;
  #size = 0;
  /** Whether a class has tickets queued: made once, because the accounts ask for it at every event. */
  readonly waits = (rank: PriorityRank): boolean => this.#counts[rank] > 0;

  constructor(options: ClassLineOptions = DEFAULTS, seatsFor: SeatsFor = (_nowMs, { seats }) => seats) {
    this.#seatsFor = seatsFor;
    this.#classes = [new ClassLine(options), new ClassLine(options), new ClassLine(options), new ClassLine(options)];
  }

  /** Tickets that wait for a seat. */
  get size(): number {
    return this.#size;
  }

  /** Tickets that were evicted and have not been told. */
  get leaving(): number {
    return this.#leaving.size;
  }

  /** Tickets in the classes below the top one. */
  get lowerSize(): number {
    return this.#size - this.#counts[TOP_RANK];
  }

  /** Tickets of one class that wait for a seat. */
  count(rank: PriorityRank): number {
    return this.#counts[rank];
  }

  /** The queue of one class, without those that stand before it. */
  line(rank: PriorityRank): ClassLine<Owner> {
    return this.#classes[rank];
  }

  /** Seat-milliseconds that wait in one class; `guessMs` for each seat of which nothing was known. */
  workMs(rank: PriorityRank, guessMs: number = 0): number {
    return this.firstWorkMs(rank, guessMs) + this.#classes[rank].work.ms(guessMs);
  }

  /** Seat-milliseconds that stand before the queue of a class. */
  firstWorkMs(rank: PriorityRank, guessMs: number): number {
    return this.#firstWork[rank].ms(guessMs);
  }

  /** The ticket that is served next within its class; with `behind`, the one after those that stand first. */
  head(nowMs: number, rank: PriorityRank, behind: boolean = false): Ticket<Owner> | undefined {
    return (behind ? undefined : this.#first.oldest(rank)) ?? this.#classes[rank].head(nowMs);
  }

  /** A ticket that waits, of the most important class first; after those the ones that are only to be told. */
  any(nowMs: number): Ticket<Owner> | undefined {
    for (const rank of PRIORITY_RANKS) if (this.#counts[rank] > 0) return this.head(nowMs, rank);
    return this.#leaving.oldest;
  }

  /** Queues a ticket, `first` before its class. */
  add(nowMs: number, ticket: Ticket<Owner>, first: boolean): void {
    ticket.state = 'queued';
    ticket.queuedAtMs = nowMs;
    // No more than it would be given, or one request that asks for the world would be all the work there is.
    ticket.heldSeats = this.#seatsFor(nowMs, ticket);
    ticket.expectedHoldMs = ticket.route.times.meanMs(nowMs);
    ticket.expectedMs = ticket.expectedHoldMs * ticket.heldSeats;
    ticket.route.queued++;
    this.#counts[ticket.rank]++;
    this.#size++;
    ticket.standsFirst = first;
    if (!first) {
      this.#classes[ticket.rank].add(ticket);
      return;
    }
    this.#first.put(ticket);
    this.#firstWork[ticket.rank].add(ticket);
  }

  /** Moves a ticket that waits before all others of its class: nobody of the class overtakes it any more. */
  advance(nowMs: number, ticket: Ticket<Owner>): void {
    this.#takeOut(nowMs, ticket);
    ticket.standsFirst = true;
    this.#first.putFirst(ticket);
    this.#firstWork[ticket.rank].add(ticket);
  }

  /** A ticket gets its seats, from the queue or on arrival: its tenant is charged with so many seat-milliseconds. */
  serve(nowMs: number, ticket: Ticket<Owner>, chargeMs: number): void {
    if (ticket.state !== 'queued') {
      this.#classes[ticket.rank].serve(nowMs, ticket, chargeMs);
      return;
    }
    this.#countOut(ticket);
    if (ticket.standsFirst) {
      this.#takeOut(nowMs, ticket);
      this.#classes[ticket.rank].serve(nowMs, ticket, chargeMs);
    } else {
      this.#classes[ticket.rank].take(nowMs, ticket, chargeMs);
    }
  }

  /** A ticket gave its seats back, having used so many seat-milliseconds more than it was charged with. */
  settle(nowMs: number, ticket: Ticket<Owner>, correctionMs: number): void {
    this.#classes[ticket.rank].settle(nowMs, ticket, correctionMs);
  }

  /** Takes a ticket out, wherever it stands. */
  remove(nowMs: number, ticket: Ticket<Owner>): void {
    if (ticket.refusal !== undefined) {
      this.#leaving.remove(ticket);
      return;
    }
    this.#countOut(ticket);
    this.#takeOut(nowMs, ticket);
  }

  /** There are other seats than before: each ticket that waits counts with those that it would be given now. */
  recount(nowMs: number): void {
    for (const rank of PRIORITY_RANKS) {
      if (this.#counts[rank] === 0) continue;
      for (const ticket of this.#first.line(rank)) {
        const seats = this.#seatsFor(nowMs, ticket);
        if (seats !== ticket.heldSeats) reseat(ticket, seats, this.#firstWork[rank]);
      }
      this.#classes[rank].recount((ticket) => this.#seatsFor(nowMs, ticket));
    }
  }

  /** Takes a ticket out of the queue that has no hope of a seat; {@link nextLeaving} hands it out to be told. */
  evict(nowMs: number, ticket: Ticket<Owner>, refusal: Refusal): void {
    this.remove(nowMs, ticket);
    ticket.refusal = refusal;
    this.#leaving.put(ticket);
  }

  /** The evicted ticket that waits longest to be told. */
  nextLeaving(): Ticket<Owner> | undefined {
    return this.#leaving.oldest;
  }

  /** A line of the queue for one tenant: where a new ticket would stand. */
  lineFor(ticket: Ticket): TenantLine<Owner> {
    return this.#classes[ticket.rank].lineFor(ticket);
  }

  /** Carries its state. The tickets that wait are known to the archive; see {@link Archive}. */
  archive(io: Archive): void {
    for (const line of this.#classes) line.archive(io);
    this.#first.archive(io);
    for (const work of this.#firstWork) work.archive(io);
    this.#leaving.archive(io);
    io.numbers(this.#counts);
    this.#size = io.number(this.#size);
  }

  #countOut({ rank, route }: Ticket<Owner>): void {
    route.queued--;
    this.#counts[rank]--;
    this.#size--;
  }

  #takeOut(nowMs: number, ticket: Ticket<Owner>): void {
    if (ticket.standsFirst) {
      this.#first.remove(ticket);
      this.#firstWork[ticket.rank].take(ticket);
    } else {
      this.#classes[ticket.rank].remove(nowMs, ticket);
    }
  }
}
