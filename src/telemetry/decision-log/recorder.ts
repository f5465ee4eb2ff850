import type { RouteLoad, Ticket } from '../../core/ticket.js';
import { headOf, NO_SLOT } from './decision-record.js';
import type { DecisionRing } from './decision-ring.js';
import type { KeyHash } from './key-hash.js';

/** What everything that is logged writes with. */
export class Recorder {
  readonly ring: DecisionRing;
  readonly hash: KeyHash;
  /** Whether the policy is deciding: what it reads meanwhile it will read again when the log is replayed. */
  deciding = false;
  readonly #routes = new Map<RouteLoad, number>();

  constructor(ring: DecisionRing, hash: KeyHash) {
    this.ring = ring;
    this.hash = hash;
  }

  /** Makes a route known by its place in the settings. */
  addRoute(route: RouteLoad, place: number): void {
    this.#routes.set(route, place);
  }

  /** Writes a record with all that a ticket is on arrival. */
  putTicket(kind: number, decision: number, nowMs: number, ticket: Ticket<unknown>, slot: number = NO_SLOT): void {
    const { hash } = this;
    const head = headOf(kind, this.#routes.get(ticket.route) ?? 0, ticket.rank, decision);
    hash.of(ticket.tenant);
    this.ring.put(head, nowMs, slot, ticket.arrivedAtMs, ticket.deadlineAtMs, ticket.seats, hash.high, hash.low);
  }
}
