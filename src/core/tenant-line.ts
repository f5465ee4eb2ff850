import type { Archive } from './archive.js';
import type { Due } from './deadline-heap.js';
import { Line } from './line.js';
import { NeededPlaces } from './needed-places.js';
import { TOP_RANK } from './priority.js';
import { QueuedWork } from './queued-work.js';
import type { Ticket } from './ticket.js';

/** A queue that is longer than it may be, and whose oldest ticket waits longer than this, is standing. */
const STANDING_MS = 100;
/**
 * One that has not been empty for so long is standing too: an overload that lasts. Sooner for the top class, because
 * nobody takes its seats but itself.
 */
const LASTING_MS = { top: 1_000, lower: 2_000 } as const;
/** A lower class that is overloaded and keeps a short queue runs out of tickets for a moment: so long is no end of it. */
const PAUSE_MS = 30;
/**
 * So long after it was last found longer than it may be a queue counts as healthy. One that never is serves everybody in
 * turn, however seldom it is empty: callers who come back as soon as they are answered keep it as long as they are many.
 */
const CROWDED_MS = 500;
/** On what terms tickets of one line may overtake each other. */
export interface Overtaking {
  /** Whether a standing queue is served newest first at an instant: not after an outage, when all of it can be served. */
  readonly mayOvertake: (nowMs: number) => boolean;
  /** Whether somebody tells when the queue is longer than it may be; else it always counts as that. */
  readonly bounded: boolean;
}

/** A place of a tenant in one of the orders that its class keeps. */
export interface Standing<Owner> extends Due {
  readonly line: TenantLine<Owner>;
}

/**
 * The queued tickets of one tenant in one class. Brisk tickets (deadline under 5 s) are served oldest first while the
 * queue is healthy and newest first while it is standing (adaptive LIFO: Maurer, ACM Queue 2015); patient ones always
 * oldest first. Where both wait and the brisk queue is standing, they share by seat time, or newcomers would keep the
 * patient ones out.
 */
export class TenantLine<Owner> {
  /** `undefined` for the tickets without tenant, and for all newcomers together. */
  readonly key: string | undefined;
  readonly brisk: Line<Ticket<Owner>> = new Line();
  readonly patient: Line<Ticket<Owner>> = new Line();
  readonly briskWork: QueuedWork = new QueuedWork();
  readonly patientWork: QueuedWork = new QueuedWork();
  /** How many of its brisk tickets may wait in an overload that lasts; of the top class alone. */
  readonly needed: NeededPlaces = new NeededPlaces();
  /** Its turn among the tenants that wait: what it was served, in seat-milliseconds of virtual time. */
  readonly turn: Standing<Owner>;
  /** Its burden on the queue: the virtual time at which all it has queued were served, negated: the first has most. */
  readonly burden: Standing<Owner>;
  /** Leases of its tickets. */
  inFlight = 0;
  /** When one of its tickets had to leave the queue last. */
  shedAtMs: number = Number.NEGATIVE_INFINITY;
  /** Since when it has neither tickets nor leases. */
  idleSinceMs = 0;
  readonly #overtaking: Overtaking;
  #crowdedAtMs: number;
  /** Since when there have always been brisk tickets, and when there were none last. */
  #briskSinceMs = 0;
  #briskUntilMs = Number.NEGATIVE_INFINITY;
  /** Seat-milliseconds by which brisk tickets were served more than patient ones, since both wait. */
  #briskAhead = 0;

  constructor(key: string | undefined, overtaking: Overtaking) {
    this.key = key;
    this.#overtaking = overtaking;
    this.#crowdedAtMs = overtaking.bounded ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.turn = { dueAtMs: 0, heapIndex: -1, line: this };
    this.burden = { dueAtMs: 0, heapIndex: -1, line: this };
  }

  /** Tickets that wait. */
  get size(): number {
    return this.brisk.size + this.patient.size;
  }

  /** Seat-milliseconds that it has queued; `guessMs` for each seat of which nothing was known. */
  workMs(guessMs: number): number {
    return this.briskWork.ms(guessMs) + this.patientWork.ms(guessMs);
  }

  /** The queue was found longer than it may be. */
  crowd(nowMs: number): void {
    this.#crowdedAtMs = Math.max(this.#crowdedAtMs, nowMs);
  }

  /** Whether the queue was longer than it may be a moment ago. */
  crowded(nowMs: number): boolean {
    return nowMs - this.#crowdedAtMs <= CROWDED_MS;
  }

  /** Whether its brisk tickets are served newest first at this instant. */
  standing(nowMs: number): boolean {
    const oldest = this.brisk.oldest;
    if (oldest === undefined || !this.crowded(nowMs)) return false;
    const waits = nowMs - oldest.queuedAtMs > STANDING_MS || this.lasting(nowMs);
    return waits && this.#overtaking.mayOvertake(nowMs);
  }

  /** Whether there have been too many brisk tickets for so long, without a break, that it is no burst. */
  lasting(nowMs: number): boolean {
    const oldest = this.brisk.oldest;
    if (oldest === undefined || !this.crowded(nowMs)) return false;
    return nowMs - this.#briskSinceMs > (oldest.rank === TOP_RANK ? LASTING_MS.top : LASTING_MS.lower);
  }

  /** Whether a ticket of this kind may be overtaken by newer ones. */
  static isBrisk(ticket: Ticket<unknown>): boolean {
    return ticket.brisk;
  }

  /** The work that stands beside a ticket of one kind. */
  work(brisk: boolean): QueuedWork {
    return brisk ? this.briskWork : this.patientWork;
  }

  /** Queues a ticket as the newest. */
  add(ticket: Ticket<Owner>): void {
    const brisk = TenantLine.isBrisk(ticket);
    if (brisk && this.brisk.size === 0) this.#noteFirst(ticket);
    (brisk ? this.brisk : this.patient).put(ticket);
    this.work(brisk).add(ticket);
  }

  /** Takes a ticket out, wherever it stands. */
  remove(nowMs: number, ticket: Ticket<Owner>): void {
    const brisk = TenantLine.isBrisk(ticket);
    const overrun = brisk && ticket.rank === TOP_RANK && this.lasting(nowMs);
    (brisk ? this.brisk : this.patient).remove(ticket);
    this.work(brisk).take(ticket);
    if (overrun) this.needed.left(nowMs, this.brisk.size);
    if (brisk && this.brisk.size === 0) this.#briskUntilMs = nowMs;
    if (this.brisk.size === 0 || this.patient.size === 0) this.#briskAhead = 0;
  }

  /** Notes that a ticket of this line is served: it decides whose turn it is where both kinds wait. */
  serve(ticket: Ticket<Owner>): void {
    if (this.brisk.size === 0 || this.patient.size === 0) return;
    this.#briskAhead += TenantLine.isBrisk(ticket) ? ticket.expectedMs : -ticket.expectedMs;
  }

  /** The ticket that is served next. */
  head(nowMs: number): Ticket<Owner> | undefined {
    const brisk = this.brisk.oldest;
    const patient = this.patient.oldest;
    if (brisk === undefined) return patient;
    const standing = this.standing(nowMs);
    if (patient === undefined) return standing ? this.brisk.newest : brisk;
    if (standing) return this.#briskAhead > 0 ? patient : this.brisk.newest;
    return patient.queuedAtMs < brisk.queuedAtMs ? patient : brisk;
  }

  /** The ticket that is served last, of one kind where there is one: the one that loses least by being shed. */
  last(nowMs: number, brisk: boolean): Ticket<Owner> | undefined {
    const useBrisk = this.patient.size === 0 || (brisk && this.brisk.size > 0);
    if (!useBrisk) return this.patient.newest;
    return this.standing(nowMs) ? this.brisk.oldest : this.brisk.newest;
  }

  /** Carries its state, and makes itself known; see {@link Archive}. */
  archive(io: Archive): void {
    for (const part of [this, this.turn, this.burden]) io.define(part);
    for (const part of [this.brisk, this.patient, this.briskWork, this.patientWork, this.needed]) {
      part.archive(io);
    }
    this.turn.dueAtMs = io.number(this.turn.dueAtMs);
    this.burden.dueAtMs = io.number(this.burden.dueAtMs);
    this.inFlight = io.number(this.inFlight);
    this.idleSinceMs = io.number(this.idleSinceMs);
    this.shedAtMs = io.number(this.shedAtMs);
    this.#crowdedAtMs = io.number(this.#crowdedAtMs);
    this.#briskSinceMs = io.number(this.#briskSinceMs);
    this.#briskUntilMs = io.number(this.#briskUntilMs);
    this.#briskAhead = io.number(this.#briskAhead);
  }

  #noteFirst({ rank, queuedAtMs }: Ticket<Owner>): void {
    const isShort = rank !== TOP_RANK || this.needed.places < Number.POSITIVE_INFINITY;
    if (isShort && queuedAtMs - this.#briskUntilMs <= PAUSE_MS) return;
    this.#briskSinceMs = queuedAtMs;
    this.needed.forget();
  }
}
