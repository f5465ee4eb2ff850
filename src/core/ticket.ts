import type { Refusal } from '../errors.js';
import type { Queueable } from './class-queue.js';
import type { PriorityRank } from './priority.js';
import type { TenantLine } from './tenant-line.js';

/** What admission wants to know about how long a route holds its seat. Instants and durations in milliseconds. */
export interface HoldTimes {
  p50(nowMs: number): number;
  p90(nowMs: number): number;
  meanMs(nowMs: number): number;
  /** What the last one took that ended after an instant; `Infinity` where none did, or where it was cancelled. */
  tookSince(sinceMs: number): number;
}

/** A route as its bulkhead sees it. The counters belong to the bulkhead. */
export interface RouteLoad {
  readonly name: string;
  readonly deadlineMs: number;
  /** Tickets of this route that may be queued at once. */
  readonly maxQueued: number;
  readonly times: HoldTimes;
  queued: number;
  /** The last instant at which a ticket of this route got its seat; -Infinity before the first. */
  lastLeaseMs: number;
}

/** Newest first only where the deadline is shorter: who is given more time is served in turn. */
const BRISK_DEADLINE_MS = 5_000;

/**
 * A classified request on its way through one bulkhead. It ends exactly once: a seat is released, or it is shed, or
 * its client leaves. `Owner` is whoever is told; admission carries it and never looks at it.
 */
export class Ticket<Owner = unknown> implements Queueable<Ticket<Owner>> {
  readonly owner: Owner;
  readonly route: RouteLoad;
  readonly rank: PriorityRank;
  readonly arrivedAtMs: number;
  /** The instant after which an answer is worthless. `Infinity` for none. */
  readonly deadlineAtMs: number;
  /** Whose share of the class it takes; all tickets without one are one tenant together. */
  readonly tenant: string | undefined;
  /** Seats that it asks for, however many those are; it is given fewer where there are not so many. */
  readonly seats: number;
  /** Whether newer ones may overtake it. Kept, because the deadline of a route may be changed while it is queued. */
  brisk: boolean;
  state: 'new' | 'queued' | 'leased' | 'away' | 'ended' = 'new';
  /** Seat-milliseconds that were predicted when the ticket was queued or leased. */
  expectedMs = 0;
  queuedAtMs = 0;
  leasedAtMs = 0;
  /** How long it was predicted to hold its seats, when it was queued or got them, in milliseconds. */
  expectedHoldMs = 0;
  /** What its class was charged for the lease, and all lower classes, in seat-milliseconds. */
  chargedMs = 0;
  chargedLowerMs = 0;
  /** Seats that it holds; while it is queued, those that it would be given. */
  heldSeats = 0;
  /** Seat-milliseconds of seats that were given back before the others. */
  returnedSeatMs = 0;
  /** Milliseconds for which earlier seats of this ticket were held, where it gave one up in between. */
  heldBeforeMs = 0;
  /** Why the ticket was shed, once it was. On a queued ticket: it is evicted and only has to be told. */
  refusal: Refusal | undefined = undefined;
  /** The account of its tenant in its class, from the queue or the seat on to the end. */
  line: TenantLine<Owner> | undefined = undefined;
  /** Its place among the tickets that a decision log follows; -1 where nobody writes one. */
  slot = -1;
  /** Whether it is queued before its class: it began already, or holds a reservation. */
  standsFirst = false;
  older: Ticket<Owner> | undefined = undefined;
  newer: Ticket<Owner> | undefined = undefined;
  inLine = false;

  constructor(
    owner: Owner,
    route: RouteLoad,
    rank: PriorityRank,
    arrivedAtMs: number,
    deadlineAtMs: number,
    tenant?: string,
    seats: number = 1,
  ) {
    this.owner = owner;
    this.route = route;
    this.rank = rank;
    this.arrivedAtMs = arrivedAtMs;
    this.deadlineAtMs = deadlineAtMs;
    this.tenant = tenant;
    this.seats = seats;
    this.brisk = route.deadlineMs < BRISK_DEADLINE_MS;
  }

  /** The whole time that the request was given, in milliseconds; `Infinity` for a request without a deadline. */
  get allowedMs(): number {
    return this.deadlineAtMs - this.arrivedAtMs;
  }
}
