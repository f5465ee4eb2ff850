import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import type { PriorityRank } from '../../../src/core/priority.js';
import { type RouteLoad, Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad } from '../../support/tickets.js';

const slow = () => routeLoad({ name: 'slow', deadlineMs: 1e6, times: fixedTimes(1_000) });
const quick = () => routeLoad({ name: 'quick', deadlineMs: 1e6, times: fixedTimes(5) });

/** A pool, and tickets of some seats that come to it. */
function bench(seats: number, options: { servesTopClass?: boolean; headroom?: number } = {}) {
  const bulkhead = new Bulkhead<string>({ seats, servesTopClass: false, discipline: { eviction: false }, ...options });
  const ticket = (name: string, route: RouteLoad, width: number, nowMs: number, rank: PriorityRank = 2) =>
    new Ticket(name, route, rank, nowMs, nowMs + route.deadlineMs, undefined, width);
  const come = (name: string, route: RouteLoad, width: number, nowMs: number, rank?: PriorityRank) => {
    const one = ticket(name, route, width, nowMs, rank);
    bulkhead.arrive(nowMs, one);
    return one;
  };
  /** The names of all that get their seats now. */
  const next = (nowMs: number): string[] => {
    const names: string[] = [];
    for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) names.push(one.owner);
    return names;
  };
  return { bulkhead, come, next };
}

describe('a ticket that costs several seats', () => {
  it('takes them, and gives them all back', () => {
    const { bulkhead, come } = bench(5);
    const wide = come('wide', slow(), 4, 0);
    expect([wide.state, wide.heldSeats, bulkhead.inFlight]).toEqual(['leased', 4, 4]);
    const narrow = come('narrow', slow(), 2, 0);
    expect([narrow.state, bulkhead.inFlight]).toEqual(['queued', 4]);
    bulkhead.release(10, wide);
    expect(bulkhead.inFlight).toBe(0);
  });

  it('is content with what there is, and waits for no seat that can never come', () => {
    const { bulkhead, come, next } = bench(4);
    const first = come('first', slow(), 9, 0);
    expect([first.state, first.heldSeats]).toEqual(['leased', 4]);
    come('second', slow(), 9, 1);
    bulkhead.resize(2, 2);
    bulkhead.release(3, first);
    expect([next(3), bulkhead.inFlight]).toEqual([['second'], 2]);
  });

  it('below the top class is content with what the headroom leaves', () => {
    const { bulkhead, come } = bench(4, { servesTopClass: true, headroom: 1 });
    const wide = come('wide', slow(), 4, 0);
    expect([wide.state, wide.heldSeats]).toEqual(['leased', 3]);
    expect([come('top', quick(), 1, 1, 0).state, bulkhead.inFlight]).toEqual(['leased', 4]);
  });

  it('returns some of them early, and keeps one', () => {
    const { bulkhead, come, next } = bench(4);
    const wide = come('wide', slow(), 4, 0);
    come('a', slow(), 2, 0);
    expect(bulkhead.giveBack(10, wide, 2.9)).toBe(2);
    expect([wide.heldSeats, bulkhead.inFlight, next(10)]).toEqual([2, 2, ['a']]);
    expect([bulkhead.giveBack(11, wide, 5), bulkhead.giveBack(12, wide, 1)]).toEqual([1, 0]);
    bulkhead.release(20, wide);
    expect(bulkhead.inFlight).toBe(2);
    expect(() => bulkhead.giveBack(21, wide, 1)).toThrow('holds no seat');
  });

  it('pays for the seats that it used, each for its time', () => {
    // Two classes that share evenly by seat time: one of single seats, one of two, of which one is returned at once.
    const minima = [0, 0.1, 0.1, 0] as const;
    const bulkhead = new Bulkhead<string>({
      seats: 8,
      servesTopClass: false,
      shares: { cap: 0.8, minima: [...minima] },
      discipline: { eviction: false },
    });
    const route = routeLoad({ deadlineMs: 1e9, times: fixedTimes(10) });
    const used = [0, 0, 0, 0];
    let running: Ticket<string>[] = [];
    for (let nowMs = 0; nowMs < 20_000; nowMs += 10) {
      for (const ticket of running) {
        used[ticket.rank] = (used[ticket.rank] ?? 0) + ticket.heldSeats * 10;
        bulkhead.release(nowMs, ticket);
      }
      running = [];
      const seat = (ticket: Ticket<string>): void => {
        running.push(ticket);
        if (ticket.seats === 2) bulkhead.giveBack(nowMs, ticket, 1);
      };
      for (const [rank, width] of [
        [1, 1],
        [2, 2],
      ] as const) {
        for (let missing = 16 - bulkhead.queuedOf(rank); missing > 0; missing--) {
          const ticket = new Ticket('', route, rank, nowMs, nowMs + 1e9, undefined, width);
          if (bulkhead.arrive(nowMs, ticket) === 'leased') seat(ticket);
        }
      }
      for (let one = bulkhead.next(nowMs); one !== undefined; one = bulkhead.next(nowMs)) seat(one);
    }
    expect(Math.abs((used[1] ?? 0) / (used[2] ?? 1) - 1)).toBeLessThan(0.1);
  });
});

describe('a wide ticket whose turn it is', () => {
  it('is not starved by narrow ones that come after it: freed seats are kept for it', () => {
    const { bulkhead, come, next } = bench(3);
    const running = ['a', 'b', 'c'].map((name) => come(name, slow(), 1, 0));
    come('wide', slow(), 3, 1);
    const route = slow();
    for (let n = 0; n < 20; n++) come(`n${n}`, route, 1, 2);
    for (const [at, ticket] of running.entries()) {
      bulkhead.release(10 + at, ticket);
      expect(next(10 + at)).toEqual(at < 2 ? [] : ['wide']);
    }
  });

  it('lets those pass that are done before its seats would be together, and no others', () => {
    const { bulkhead, come, next } = bench(3);
    const [a] = ['a', 'b', 'c'].map((name) => come(name, slow(), 1, 0));
    come('wide', slow(), 3, 1);
    come('long', slow(), 1, 2);
    if (a !== undefined) bulkhead.release(10, a);
    expect(next(10)).toEqual([]);
    // Two of a second each still run: two thirds of that on average until both are done, and 5 ms fit in.
    const short = come('short', quick(), 1, 11, 1);
    expect(short.state).toBe('leased');
    bulkhead.release(16, short);
    expect(next(16)).toEqual([]);
    // By now its seats ought to be there: nobody passes any more.
    expect(come('late', quick(), 1, 5_000, 1).state).toBe('queued');
    expect(next(5_000)).toEqual([]);
  });

  it('stays next though newer ones are served first now', () => {
    const { bulkhead, come, next } = bench(2);
    const route = routeLoad({ deadlineMs: 4_000, times: fixedTimes(200) });
    const [a, b] = [come('a', route, 1, 0), come('b', route, 1, 0)];
    come('wide', route, 2, 1);
    bulkhead.release(50, a);
    expect(next(50)).toEqual([]);
    come('newer', route, 1, 200);
    expect(next(200)).toEqual([]);
    bulkhead.release(201, b);
    expect(next(201)).toEqual(['wide']);
  });

  it('is passed by the top class, unless the seats are owed to it', () => {
    const top = slow();
    const { bulkhead, come, next } = bench(2, { servesTopClass: true, headroom: 0 });
    const [a, b] = [come('a', slow(), 1, 0, 1), come('b', slow(), 1, 0, 2)];
    come('wide', slow(), 2, 1, 1);
    // What the class used just now is more than its minimum.
    bulkhead.release(900, a);
    expect(next(900)).toEqual([]);
    expect(come('first', top, 1, 901, 0).state).toBe('leased');
    for (let n = 0; n < 5; n++) come(`top${n}`, top, 1, 902, 0);
    // After a minute with the top class always there, it is due.
    expect(next(60_000)).toEqual([]);
    bulkhead.release(60_001, b);
    expect(bulkhead.inFlight).toBe(1);
    expect(next(60_001)).toEqual([]);
  });

  it('waits for the top class that waits too, though its seats are there', () => {
    const { bulkhead, come, next } = bench(2, { servesTopClass: true, headroom: 0 });
    const [a, b] = [come('a', slow(), 1, 0, 1), come('b', slow(), 1, 0, 2)];
    come('wide', slow(), 2, 1, 1);
    bulkhead.release(900, a);
    expect(next(900)).toEqual([]);
    const first = come('first', slow(), 1, 901, 0);
    expect(come('second', slow(), 1, 902, 0).state).toBe('queued');
    bulkhead.release(903, first);
    bulkhead.release(903, b);
    expect(next(903)).toEqual(['second']);
  });

  it('that leaves the queue gives the kept seats free', () => {
    const { bulkhead, come, next } = bench(2);
    const [a] = [come('a', slow(), 1, 0), come('b', slow(), 1, 0)];
    const wide = come('wide', slow(), 2, 1);
    come('narrow', slow(), 1, 2);
    bulkhead.release(10, a);
    expect(next(10)).toEqual([]);
    bulkhead.withdraw(11, wide);
    expect(next(11)).toEqual(['narrow']);
  });
});

describe('the work that waits', () => {
  /** What a narrow ticket is told to wait behind one of some seats, in a pool all of which is at work. */
  function waitBehind(width: number, seats: number, resized: readonly number[] = []): number {
    const { bulkhead, come } = bench(seats);
    come('at work', slow(), seats, 0);
    expect(come('wide', slow(), width, 0).state).toBe('queued');
    for (const other of resized) bulkhead.resize(1, other);
    return bulkhead.predictedWaitMs(2, new Ticket('narrow', quick(), 2, 2, 1e6));
  }

  it('counts with the seats that there are, whatever a client makes a ticket ask for', () => {
    expect(waitBehind(1e6, 4)).toBe(waitBehind(4, 4));
    expect(waitBehind(1e6, 4)).toBeLessThan(2_000);
    expect(waitBehind(3, 4)).toBeLessThan(waitBehind(4, 4));
  });

  it('follows the seats as they become fewer and more', () => {
    expect(waitBehind(10, 10, [2, 10])).toBe(waitBehind(10, 10));
    expect(waitBehind(10, 2, [10])).toBe(waitBehind(10, 2, [5, 10, 3, 10]));
  });

  it('weighs on a tenant with the seats that there are', () => {
    const bulkhead = new Bulkhead<string>({ seats: 2, servesTopClass: false, maxQueued: 3 });
    const route = routeLoad({ deadlineMs: 1e6, times: fixedTimes(10) });
    const come = (tenant: string, width: number, nowMs: number, rank: PriorityRank = 2) => {
      const ticket = new Ticket(tenant, route, rank, nowMs, nowMs + 1e6, tenant, width);
      return { ticket, became: bulkhead.arrive(nowMs, ticket) };
    };
    for (const tenant of ['many', 'wide']) bulkhead.release(1, come(tenant, 1, 0).ticket);
    come('other', 2, 2);
    for (let n = 0; n < 2; n++) come('many', 2, 3);
    const wide = come('wide', 1e6, 3).ticket;
    // Somebody more important takes a place: of the tenant that has most queued, and that is two tickets, not one.
    expect(come('top', 1, 4, 1).became).toBe('queued');
    expect([wide.refusal, bulkhead.next(4)?.owner]).toEqual([undefined, 'many']);
  });
});
