import type { Archive } from '../../core/archive.js';
import type { Bulkhead } from '../../core/bulkhead.js';
import type { PriorityRank } from '../../core/priority.js';
import type { ServiceTimes } from '../../core/service-times.js';
import { type RouteLoad, Ticket } from '../../core/ticket.js';
import { codeOf, PASSED, refusedAs } from './decision-record.js';

/** A route whose estimates are logged. */
export interface LoggedRoute extends RouteLoad {
  readonly times: ServiceTimes;
}

/** Everything that decides about the seats of one pool. */
export interface GateState<Owner> {
  readonly bulkhead: Bulkhead<Owner>;
  readonly routes: readonly LoggedRoute[];
  /** Its tickets in flight and queued, each at its slot. */
  readonly slots: (Ticket<Owner> | undefined)[];
}

const STATES = ['new', 'queued', 'leased', 'away', 'ended'] as const;

/**
 * Carries the state of a gate: its tickets, what is known of its routes, and the bulkhead.
 *
 * @param owner - Whom the tickets belong to that are made where a state is read.
 */
export function archiveGate<Owner>(io: Archive, { bulkhead, routes, slots }: GateState<Owner>, owner: Owner): void {
  const live = archiveTickets(io, routes, slots, owner);
  for (const route of routes) {
    route.queued = io.number(route.queued);
    route.lastLeaseMs = io.number(route.lastLeaseMs);
    route.times.archive(io);
  }
  bulkhead.archive(io);
  // The accounts of tenants are known only now.
  for (const ticket of live) ticket.line = io.refer(ticket.line);
}

function archiveTickets<Owner>(
  io: Archive,
  routes: readonly LoggedRoute[],
  slots: (Ticket<Owner> | undefined)[],
  owner: Owner,
): Ticket<Owner>[] {
  const written = slots.filter((ticket) => ticket !== undefined);
  const live: Ticket<Owner>[] = [];
  const count = io.number(written.length);
  for (let place = 0; place < count; place++) {
    const ticket = archiveIdentity(io, routes, written[place], owner);
    archiveProgress(io, ticket);
    io.define(ticket);
    if (io.loading) slots[ticket.slot] = ticket;
    live.push(ticket);
  }
  return live;
}

/** What a ticket is from its arrival on. */
function archiveIdentity<Owner>(
  io: Archive,
  routes: readonly LoggedRoute[],
  known: Ticket<Owner> | undefined,
  owner: Owner,
): Ticket<Owner> {
  const slot = io.number(known?.slot ?? 0);
  // The bulkhead knows its routes by what they share with every route.
  const loads: readonly (RouteLoad | undefined)[] = routes;
  const route = io.number(loads.indexOf(known?.route));
  const rank = io.number(known?.rank ?? 0) as PriorityRank;
  const arrivedAtMs = io.number(known?.arrivedAtMs ?? 0);
  const deadlineAtMs = io.number(known?.deadlineAtMs ?? 0);
  const seats = io.number(known?.seats ?? 0);
  const tenant = io.flag(known?.tenant !== undefined) ? io.key(known?.tenant ?? '') : undefined;
  if (known !== undefined) return known;
  const ticket = new Ticket<Owner>(owner, routeAt(routes, route), rank, arrivedAtMs, deadlineAtMs, tenant, seats);
  ticket.slot = slot;
  return ticket;
}

/** What became of it so far. */
function archiveProgress(io: Archive, ticket: Ticket<unknown>): void {
  ticket.state = STATES[io.number(STATES.indexOf(ticket.state))] ?? 'ended';
  ticket.expectedMs = io.number(ticket.expectedMs);
  ticket.queuedAtMs = io.number(ticket.queuedAtMs);
  ticket.leasedAtMs = io.number(ticket.leasedAtMs);
  ticket.expectedHoldMs = io.number(ticket.expectedHoldMs);
  ticket.heldSeats = io.number(ticket.heldSeats);
  ticket.returnedSeatMs = io.number(ticket.returnedSeatMs);
  ticket.chargedMs = io.number(ticket.chargedMs);
  ticket.chargedLowerMs = io.number(ticket.chargedLowerMs);
  ticket.heldBeforeMs = io.number(ticket.heldBeforeMs);
  ticket.brisk = io.flag(ticket.brisk);
  ticket.standsFirst = io.flag(ticket.standsFirst);
  const code = codeOf(io.number(ticket.refusal === undefined ? PASSED : refusedAs(ticket.refusal.code)));
  // Of a refusal that was not told yet, its code decides; the words are lost.
  if (io.loading && code !== undefined) ticket.refusal = { code, status: 503, outcome: 'not_started', detail: '' };
}

/** @throws RangeError for a route that the settings do not have. */
export function routeAt<Route>(routes: readonly Route[], place: number): Route {
  const route = routes[place];
  if (route !== undefined) return route;
  throw new RangeError(`route ${place} is named, and the settings beside it have ${routes.length}`);
}
