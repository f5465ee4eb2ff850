import { Bulkhead } from '../../../src/core/bulkhead.js';
import type { BulkheadOptions } from '../../../src/core/bulkhead-parts.js';
import type { PriorityRank } from '../../../src/core/priority.js';
import type { RouteLoad, Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';

/** What {@link bench} makes. */
export interface Bench {
  readonly bulkhead: Bulkhead<unknown>;
  readonly holder: Ticket;
  /** Somebody comes; whether it is queued, or with which code it is refused. */
  come(name: string, route: RouteLoad, nowMs: number, rank?: PriorityRank): string;
  /** Those whose waiting ends at an instant, without a seat being freed. */
  told(nowMs: number): string[];
  /** Frees the seat again and again; the order in which those that wait are served. */
  served(fromMs: number): string[];
  named(name: string): Ticket | undefined;
  /** For a moment the queue of a class was longer than it may be. */
  crowd(nowMs: number, rank?: PriorityRank): void;
}

/** One seat that is taken until somebody releases `holder`, and what happens to those that come meanwhile. */
export function bench(options: Partial<BulkheadOptions> = {}): Bench {
  const bulkhead = new Bulkhead<unknown>({ seats: 1, servesTopClass: false, ...options });
  // Of unknown length: however long it is held, the seat never seems to stand still.
  const holder = ticketOf(routeLoad({ name: 'holder', times: fixedTimes(0) }), 2, 0);
  bulkhead.arrive(0, holder);
  const names = new Map<Ticket, string>();
  const come = (name: string, route: RouteLoad, nowMs: number, rank: PriorityRank = 2): string => {
    const ticket = ticketOf(route, rank, nowMs);
    names.set(ticket, name);
    const arrival = bulkhead.arrive(nowMs, ticket);
    return typeof arrival === 'string' ? arrival : arrival.code;
  };
  const told = (nowMs: number): string[] => {
    const all: string[] = [];
    for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) {
      all.push(`${names.get(one)} ${one.refusal?.code ?? 'leased'}`);
    }
    return all;
  };
  const served = (fromMs: number): string[] => {
    const all: string[] = [];
    let running: Ticket = holder;
    for (let nowMs = fromMs; bulkhead.queued > 0; nowMs++) {
      bulkhead.release(nowMs, running);
      const next = bulkhead.next(nowMs);
      if (next?.refusal !== undefined || next === undefined) throw new Error(`refused: ${next?.refusal?.code}`);
      all.push(names.get(next) ?? '?');
      running = next;
    }
    return all;
  };
  const named = (name: string): Ticket | undefined => [...names.keys()].find((ticket) => names.get(ticket) === name);
  const crowd = (nowMs: number, rank: PriorityRank = 2): void => {
    const long = ticketOf(routeLoad({ name: 'long', deadlineMs: 100_000, times: fixedTimes(10_000) }), rank, nowMs);
    const next = ticketOf(routeLoad({ name: 'next', deadlineMs: 100_000, times: fixedTimes(10) }), rank, nowMs);
    if (bulkhead.arrive(nowMs, long) !== 'queued') throw new Error('the long one has no place');
    if (typeof bulkhead.arrive(nowMs, next) === 'string') throw new Error('the queue is not too long');
    bulkhead.withdraw(nowMs, long);
  };
  return { bulkhead, holder, come, told, served, named, crowd };
}

/** A route whose tickets may overtake each other. */
export const brisk = (init: Partial<RouteLoad> = {}): RouteLoad =>
  routeLoad({ name: 'brisk', deadlineMs: 2_000, times: fixedTimes(10), ...init });
