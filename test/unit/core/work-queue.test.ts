import { describe, expect, it } from 'vitest';
import type { PriorityRank } from '../../../src/core/priority.js';
import { Ticket } from '../../../src/core/ticket.js';
import { WorkQueue } from '../../../src/core/work-queue.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';

const checkout = () => routeLoad({ name: 'checkout', times: fixedTimes(20, 40, 30) });
const report = () => routeLoad({ name: 'report', times: fixedTimes(300, 500, 400) });

describe('WorkQueue', () => {
  it('knows the tickets and the work of each class, and the tickets of each route', () => {
    const queue = new WorkQueue<unknown>();
    const [fast, slow] = [checkout(), report()];
    const rows: [route: typeof fast, rank: PriorityRank][] = [
      [slow, 3],
      [fast, 0],
      [slow, 3],
      [fast, 1],
    ];
    for (const [route, rank] of rows) queue.add(5, ticketOf(route, rank, 0), false);
    const ranks: PriorityRank[] = [0, 1, 2, 3];
    expect(ranks.map((rank) => queue.count(rank))).toEqual([1, 1, 0, 2]);
    expect(ranks.map((rank) => queue.workMs(rank))).toEqual([30, 30, 0, 800]);
    expect(ranks.map(queue.waits)).toEqual([true, true, false, true]);
    expect([queue.size, queue.lowerSize, fast.queued, slow.queued]).toEqual([4, 3, 2, 2]);
  });

  it('writes into the ticket when it was queued and what it was expected to take', () => {
    const queue = new WorkQueue<unknown>();
    const ticket = ticketOf(checkout(), 0, 0);
    queue.add(7, ticket, false);
    expect([ticket.state, ticket.queuedAtMs, ticket.expectedMs]).toEqual(['queued', 7, 30]);
  });

  it('counts work with the seats that there are, and counts again when there are others', () => {
    let there = 4;
    const queue = new WorkQueue<unknown>(undefined, (_nowMs, { seats }) => Math.min(seats, there));
    const unknown = routeLoad({ times: fixedTimes(0) });
    const wide = [1e6, 3, 1].map(
      (seats, n) => new Ticket(n, checkout(), 2, 0, 500, seats === 1 ? undefined : 'a', seats),
    );
    const [vast, first] = [
      new Ticket('vast', unknown, 2, 0, 500, 'b', 1e6),
      new Ticket('first', report(), 2, 0, 500, 'c', 8),
    ];
    for (const ticket of [...wide, vast]) queue.add(0, ticket, false);
    queue.add(0, first, true);
    // 30 ms on 4, 3 and 1 seats, 400 ms on 4, and 4 seats of which nothing is known.
    expect([queue.workMs(2), queue.workMs(2, 10)]).toEqual([1_840, 1_880]);
    for (const [seats, knownMs, withGuessMs] of [
      [2, 950, 970],
      [8, 3_560, 3_640],
      [4, 1_840, 1_880],
    ] as const) {
      there = seats;
      queue.recount(1);
      expect([queue.workMs(2), queue.workMs(2, 10)]).toEqual([knownMs, withGuessMs]);
    }
    for (const ticket of [...wide, vast, first]) queue.remove(2, ticket);
    expect([queue.workMs(2, 10), queue.line(2).heaviest().workMs(10)]).toEqual([0, 0]);
  });

  it('serves oldest first within a class, one that comes back before all, and the most important class first', () => {
    const queue = new WorkQueue<unknown>();
    const route = checkout();
    expect([queue.head(9, 2), queue.any(9)]).toEqual([undefined, undefined]);
    const [a, b, back, top] = [
      ticketOf(route, 2, 0),
      ticketOf(route, 2, 0),
      ticketOf(route, 2, 0),
      ticketOf(route, 0, 0),
    ];
    queue.add(0, a, false);
    queue.add(1, b, false);
    expect(queue.head(9, 2)).toBe(a);
    queue.add(2, back, true);
    expect(queue.head(9, 2)).toBe(back);
    expect(queue.any(9)).toBe(back);
    queue.add(3, top, false);
    expect(queue.any(9)).toBe(top);
    for (const [gone, next] of [
      [top, back],
      [back, a],
      [a, b],
      [b, undefined],
    ] as const) {
      queue.remove(9, gone);
      expect(queue.any(9)).toBe(next);
    }
  });

  it('takes out of the account what was put in, though the route has become slower meanwhile', () => {
    const queue = new WorkQueue<unknown>();
    let meanMs = 10;
    const route = routeLoad({
      times: { p50: () => meanMs, p90: () => meanMs, meanMs: () => meanMs, tookSince: () => Number.POSITIVE_INFINITY },
    });
    const [early, late] = [ticketOf(route, 1, 0), ticketOf(route, 1, 0)];
    queue.add(0, early, false);
    meanMs = 100;
    queue.add(1, late, false);
    expect(queue.workMs(1)).toBe(110);
    queue.remove(9, early);
    expect([queue.workMs(1), route.queued]).toEqual([100, 1]);
  });

  it('counts a guess for tickets that were queued before anything was known of their route', () => {
    const queue = new WorkQueue<unknown>();
    let meanMs = 0;
    const route = routeLoad({
      times: { p50: () => meanMs, p90: () => meanMs, meanMs: () => meanMs, tookSince: () => Number.POSITIVE_INFINITY },
    });
    const [blind, seeing] = [ticketOf(route, 0, 0), ticketOf(route, 0, 0)];
    queue.add(0, blind, false);
    meanMs = 20;
    queue.add(1, seeing, false);
    expect([queue.workMs(0), queue.workMs(0, 20)]).toEqual([20, 40]);
    queue.remove(9, blind);
    expect(queue.workMs(0, 20)).toBe(20);
  });

  it('has exactly no work left when a class runs empty, whatever the sums drifted to', () => {
    const queue = new WorkQueue<unknown>();
    const means = [0.1, 0.2, 0.3, 1e9, 1e-9];
    const tickets = means.map((mean) => ticketOf(routeLoad({ times: fixedTimes(mean) }), 1, 0));
    for (const ticket of tickets) queue.add(0, ticket, false);
    for (const ticket of tickets) {
      queue.remove(9, ticket);
      expect(queue.workMs(1)).toBeGreaterThanOrEqual(0);
    }
    expect(queue.workMs(1)).toBe(0);
  });
});
