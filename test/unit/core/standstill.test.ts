import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import type { Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';

const SEATS = 4;
/** Four seats of 20 ms: six times that without anything that moves. */
const NOTICED_MS = 120;

/** All seats are taken at 0, and more tickets come evenly from then on: more than would be queued in an overload. */
function pool(untilMs: number, holdMs = 20, everyMs = 5) {
  const bulkhead = new Bulkhead<unknown>({ seats: SEATS, servesTopClass: false });
  const route = routeLoad({ deadlineMs: 4_000, times: fixedTimes(holdMs) });
  const holders = Array.from({ length: SEATS }, () => ticketOf(route, 2, 0));
  for (const holder of holders) bulkhead.arrive(0, holder);
  const fates: string[] = [];
  const come = (nowMs: number): void => {
    const arrival = bulkhead.arrive(nowMs, ticketOf(route, 2, nowMs));
    if (typeof arrival !== 'string') fates.push(`${nowMs} ${arrival.code}`);
    tell(nowMs);
  };
  /** Hands out until nothing can be had; those that got seats. */
  const tell = (nowMs: number): Ticket[] => {
    const leased: Ticket[] = [];
    for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) {
      if (one.refusal === undefined) leased.push(one);
      else fates.push(`${one.queuedAtMs} ${one.refusal.code}`);
    }
    return leased;
  };
  for (let nowMs = everyMs; nowMs <= untilMs; nowMs += everyMs) come(nowMs);
  return { bulkhead, route, holders, fates, come, tell };
}

describe('a pool on which no seat is taken or given back', () => {
  it('queues what comes, whatever the bound on queued work, and evicts nobody', () => {
    const { fates, bulkhead } = pool(2_000);
    expect(fates).toEqual([]);
    expect(bulkhead.queued).toBe(400);
  });

  it('is judged as ever before that is noticed, and where nothing is known of the work', () => {
    // A queue of 150 ms of work on four seats: 30 tickets of 20 ms.
    expect(pool(NOTICED_MS, 20, 2).fates).not.toEqual([]);
    const { bulkhead } = pool(0, 0);
    const heavy = routeLoad({ deadlineMs: 4_000, times: fixedTimes(20) });
    const arrivals = Array.from({ length: 60 }, () => bulkhead.arrive(1_000, ticketOf(heavy, 2, 1_000)));
    expect(arrivals.some((arrival) => typeof arrival !== 'string')).toBe(true);
  });

  it('is waited out for two seconds, and is an overload then', () => {
    const { fates, come, bulkhead } = pool(2_000);
    come(NOTICED_MS + 2_000);
    expect([fates, bulkhead.queued]).toEqual([[], 401]);
    come(NOTICED_MS + 2_001);
    expect(fates.length).toBeGreaterThan(300);
  });

  it('is no longer waited out when it comes again soon, and again a while later', () => {
    const { bulkhead, holders, tell, come, fates } = pool(1_800);
    let running = holders;
    const move = (nowMs: number): void => {
      for (const ticket of running) bulkhead.release(nowMs, ticket);
      running = tell(nowMs);
    };
    move(1_800);
    for (let nowMs = 1_820; running.length > 0; nowMs += 20) move(nowMs);
    expect(fates).toEqual([]);
    // 1,680 of the 2,000 ms are used: 320 are left, and what came back meanwhile.
    const atMs = 5_000;
    for (let n = 0; n < SEATS + 30; n++) come(atMs);
    const leftMs = 320 + 0.1 * (atMs - 1_800);
    come(atMs + NOTICED_MS + leftMs - 1);
    expect(fates).toEqual([]);
    come(atMs + NOTICED_MS + leftMs + 1);
    expect(fates).not.toEqual([]);
  });

  it('serves oldest first what waited, and spares it until it is served', () => {
    const { bulkhead, holders, tell, fates } = pool(1_000);
    const order: number[] = [];
    let running = holders;
    for (let nowMs = 1_000; running.length > 0; nowMs += 20) {
      for (const ticket of running) bulkhead.release(nowMs, ticket);
      running = tell(nowMs);
      order.push(...running.map(({ queuedAtMs }) => queuedAtMs));
    }
    expect(fates).toEqual([]);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order.length).toBe(200);
  });

  it('tells for how long of its lease a seat was held for that only', () => {
    const { bulkhead, holders, tell } = pool(1_000);
    const [first, second] = holders;
    if (first === undefined || second === undefined) throw new Error('nobody holds a seat');
    expect(bulkhead.stoodStillMs(NOTICED_MS, first)).toBe(0);
    expect(bulkhead.stoodStillMs(1_000, first)).toBe(1_000);
    bulkhead.release(1_000, first);
    const [next] = tell(1_000);
    expect(bulkhead.stoodStillMs(1_015, second)).toBe(1_000);
    expect(next === undefined ? undefined : bulkhead.stoodStillMs(1_015, next)).toBe(0);
    expect(bulkhead.stoodStillMs(1_015, first)).toBe(0);
  });
});

describe('a pool on which some seats are held for long, and others are not', () => {
  it('does not stand still: a lock on one row changes nothing for those that are in its way', () => {
    const { bulkhead, holders, tell, come, fates } = pool(0);
    const stuck = holders.slice(1);
    let [moving] = holders;
    for (let n = 0; n < 4; n++) come(5 * n);
    for (let nowMs = 20; nowMs <= 1_000; nowMs += 20) {
      if (moving !== undefined) bulkhead.release(nowMs, moving);
      [moving] = tell(nowMs);
      for (let n = 0; n < 4; n++) come(nowMs + 5 * n);
    }
    expect(stuck.map((ticket) => bulkhead.stoodStillMs(1_000, ticket))).toEqual([0, 0, 0]);
    expect(fates.length).toBeGreaterThan(50);
  });
});
