import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { DEFAULT_SHARES } from '../../../src/core/class-shares.js';
import type { PriorityRank } from '../../../src/core/priority.js';
import { Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';

const WINDOW_MS = 1_000;

/** Seat-milliseconds of each class in each second, while all four always wait. `holdMs` is what each class takes. */
function windows(seats: number, holdMs: readonly number[], seconds: number): number[][] {
  const bulkhead = new Bulkhead<number>({ seats, servesTopClass: true, headroom: 0 });
  const routes = holdMs.map((ms) => routeLoad({ deadlineMs: 1e9, maxQueued: 1e6, times: fixedTimes(ms) }));
  const used: number[][] = Array.from({ length: seconds }, () => [0, 0, 0, 0]);
  const running: { ticket: Ticket<number>; endsAtMs: number }[] = [];
  for (let nowMs = 0; nowMs < seconds * WINDOW_MS; nowMs++) {
    for (const one of running.filter(({ endsAtMs }) => endsAtMs <= nowMs)) {
      running.splice(running.indexOf(one), 1);
      bulkhead.release(nowMs, one.ticket);
    }
    const start = (ticket: Ticket<number>): void => {
      running.push({ ticket, endsAtMs: nowMs + (holdMs[ticket.rank] ?? 1) });
    };
    for (const [rank, route] of routes.entries()) {
      for (let missing = 2 * seats - bulkhead.queuedOf(rank as PriorityRank); missing > 0; missing--) {
        const ticket = new Ticket(0, route, rank as PriorityRank, nowMs, nowMs + 1e9);
        if (bulkhead.arrive(nowMs, ticket) === 'leased') start(ticket);
      }
    }
    for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) {
      if (one.refusal === undefined) start(one);
    }
    const window = used[Math.floor(nowMs / WINDOW_MS)];
    for (const { ticket } of running) if (window !== undefined) window[ticket.rank] = (window[ticket.rank] ?? 0) + 1;
  }
  return used;
}

describe('the minimum shares', () => {
  it('are kept in every second, to one service, by each class that waits', () => {
    const hold = fc.integer({ min: 5, max: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(hold, { minLength: 4, maxLength: 4 }), (seats, holdMs) => {
        for (const [second, window] of windows(seats, holdMs, 8).entries()) {
          // In the first one the seats were given away before anybody waited.
          if (second === 0) continue;
          for (const rank of [1, 2, 3]) {
            const promisedMs = seats * WINDOW_MS * (DEFAULT_SHARES.minima[rank] ?? 0);
            expect(window[rank]).toBeGreaterThanOrEqual(promisedMs - Math.max(...holdMs) - (holdMs[rank] ?? 0));
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});
