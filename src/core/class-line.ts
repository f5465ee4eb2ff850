import type { Archive } from './archive.js';
import { DeadlineHeap } from './deadline-heap.js';
import { QueuedWork, reseat } from './queued-work.js';
import { TenantBook } from './tenant-book.js';
import { type Overtaking, type Standing, TenantLine } from './tenant-line.js';
import type { Ticket } from './ticket.js';

/** How the tickets of a class are ordered. */
export interface ClassLineOptions extends Overtaking {
  /** Tenants that have an account of their own at most. */
  readonly maxTenants: number;
}

/**
 * The queue of one class: the tenant that was served least is next, and within a tenant {@link TenantLine} decides.
 *
 * Tenants share by start-time fair queueing (Goyal, Vin, Chen 1996), charged when they are served with what is
 * predicted, and corrected at the end to what was used; who comes back from idleness starts at the present virtual
 * time, with neither credit nor debt from before. Before the first ticket with a tenant none of this costs anything.
 */
export class ClassLine<Owner> {
  /** All work of the class. */
  readonly work: QueuedWork = new QueuedWork();
  readonly #options: ClassLineOptions;
  readonly #common: TenantLine<Owner>;
  readonly #turns = new DeadlineHeap<Standing<Owner>>();
  readonly #burdens = new DeadlineHeap<Standing<Owner>>();
  #book: TenantBook<Owner> | undefined;
  /** Seat-milliseconds of service that every tenant which always waits has had by now. */
  #virtualNowMs = 0;

  constructor(options: ClassLineOptions) {
    this.#options = options;
    this.#common = new TenantLine(undefined, options);
  }

  /** Tickets that wait. */
  get size(): number {
    return this.work.count;
  }

  /** Tenants that have an account; the common one of tickets without tenant is not counted. */
  get tenants(): number {
    return this.#book?.size ?? 0;
  }

  /** What is kept of tenants, accounts and names. */
  get entries(): number {
    return this.#book?.entries ?? 0;
  }

  /** Accounts that compete with each other and a newly queued ticket of this tenant. */
  rivals(line: TenantLine<Owner>): number {
    return this.#book === undefined ? 1 : this.#turns.size + (line.turn.heapIndex === -1 ? 1 : 0);
  }

  /** The account that a ticket would stand in; nothing changes. */
  lineFor(ticket: Ticket): TenantLine<Owner> {
    if (ticket.tenant === undefined || this.#book === undefined) return this.#common;
    return this.#book.find(ticket.tenant);
  }

  /** The ticket that is served next. */
  head(nowMs: number): Ticket<Owner> | undefined {
    return (this.#turns.first()?.line ?? this.#common).head(nowMs);
  }

  /** The tenant whose last ticket would be served last: it has most work queued, beside what it was served. */
  heaviest(): TenantLine<Owner> {
    return this.#burdens.first()?.line ?? this.#common;
  }

  /** Queues a ticket. */
  add(ticket: Ticket<Owner>): void {
    const line = this.#activate(ticket);
    ticket.line = line;
    line.add(ticket);
    this.work.add(ticket);
    if (this.#book === undefined) return;
    if (line.key === undefined) this.noteUnserved(ticket.queuedAtMs, ticket);
    if (line.turn.heapIndex === -1) this.#turns.set(line.turn, Math.max(line.turn.dueAtMs, this.#virtualNowMs));
    this.#weigh(line);
  }

  /** Counts each ticket that waits with the seats that it would be given now. */
  recount(seatsFor: (ticket: Ticket<Owner>) => number): void {
    if (this.#book === undefined) return this.#recountLine(this.#common, seatsFor);
    for (const { line } of this.#turns) this.#recountLine(line, seatsFor);
  }

  /** A ticket has to wait, or is turned away: its tenant is no newcomer when it comes again. */
  noteUnserved(nowMs: number, { tenant }: Ticket): void {
    if (tenant === undefined) return;
    this.#book ??= this.#open();
    this.#book.noteUnserved(nowMs, tenant);
  }

  /** Takes a ticket out of the queue. */
  remove(nowMs: number, ticket: Ticket<Owner>): void {
    const { line } = ticket;
    if (line === undefined) return;
    line.remove(nowMs, ticket);
    this.work.take(ticket);
    if (this.#book === undefined) return;
    this.#weigh(line);
    if (line.size > 0) return;
    this.#turns.remove(line.turn);
    this.#restIfIdle(nowMs, line);
  }

  /** A queued ticket gets its seats: it leaves the queue, and its tenant is charged with what is predicted. */
  take(nowMs: number, ticket: Ticket<Owner>, chargeMs: number): void {
    const { line } = ticket;
    if (line === undefined) return;
    line.serve(ticket);
    line.inFlight++;
    this.remove(nowMs, ticket);
    // Who waited may have a credit, from work that was shorter than predicted.
    this.#bill(nowMs, line, ticket, line.turn.dueAtMs, chargeMs);
  }

  /** A ticket that did not wait gets its seats. */
  serve(nowMs: number, ticket: Ticket<Owner>, chargeMs: number): void {
    if (this.#book === undefined && ticket.tenant === undefined) return;
    const line = this.#activate(ticket);
    ticket.line = line;
    line.inFlight++;
    this.#bill(nowMs, line, ticket, Math.max(this.#virtualNowMs, line.turn.dueAtMs), chargeMs);
  }

  /** A ticket gave its seats back: the charge is corrected by so many seat-milliseconds. */
  settle(nowMs: number, ticket: Ticket<Owner>, correctionMs: number): void {
    const { line } = ticket;
    if (line === undefined || line.inFlight === 0) return;
    line.inFlight--;
    ticket.line = undefined;
    this.#charge(line, line.turn.dueAtMs, correctionMs);
    this.#restIfIdle(nowMs, line);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.work.archive(io);
    this.#common.archive(io);
    const options = this.#options;
    if (io.flag(this.#book !== undefined)) {
      this.#book ??= new TenantBook(options.maxTenants, options);
      this.#book.archive(io);
    }
    this.#turns.archive(io);
    this.#burdens.archive(io);
    this.#virtualNowMs = io.number(this.#virtualNowMs);
  }

  #recountLine(line: TenantLine<Owner>, seatsFor: (ticket: Ticket<Owner>) => number): void {
    for (const brisk of [true, false]) {
      for (const ticket of brisk ? line.brisk : line.patient) {
        const seats = seatsFor(ticket);
        if (seats !== ticket.heldSeats) reseat(ticket, seats, this.work, line.work(brisk));
      }
    }
    if (this.#book !== undefined) this.#weigh(line);
  }

  #activate(ticket: Ticket): TenantLine<Owner> {
    if (ticket.tenant === undefined) return this.#common;
    this.#book ??= this.#open();
    return this.#book.activate(ticket.tenant);
  }

  #open(): TenantBook<Owner> {
    // Whoever waits without a tenant competes from now on.
    if (this.#common.size > 0) {
      this.#turns.set(this.#common.turn, Math.max(this.#common.turn.dueAtMs, this.#virtualNowMs));
      this.#weigh(this.#common);
    }
    return new TenantBook(this.#options.maxTenants, this.#options);
  }

  #bill(nowMs: number, line: TenantLine<Owner>, ticket: Ticket<Owner>, fromMs: number, chargeMs: number): void {
    if (line.key === undefined && ticket.tenant !== undefined) this.#book?.noteServed(nowMs, ticket.tenant);
    this.#virtualNowMs = Math.max(this.#virtualNowMs, fromMs);
    this.#charge(line, fromMs, chargeMs);
  }

  #charge(line: TenantLine<Owner>, fromMs: number, seatMs: number): void {
    if (line.turn.heapIndex === -1) {
      line.turn.dueAtMs = fromMs + seatMs;
      return;
    }
    this.#turns.set(line.turn, fromMs + seatMs);
    this.#weigh(line);
  }

  #weigh(line: TenantLine<Owner>): void {
    if (line.size === 0) this.#burdens.remove(line.burden);
    // A ticket of unknown length weighs something too.
    else this.#burdens.set(line.burden, -line.turn.dueAtMs - line.workMs(1));
  }

  #restIfIdle(nowMs: number, line: TenantLine<Owner>): void {
    if (line.size === 0 && line.inFlight === 0) this.#book?.rest(nowMs, line);
  }
}
