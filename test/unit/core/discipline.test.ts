import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { Ticket } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';
import { bench, brisk } from './one-seat.js';

const patient = () => routeLoad({ name: 'patient', deadlineMs: 5_000, times: fixedTimes(10) });

describe('the order within a class', () => {
  it.each<[title: string, deadlineMs: number, oldestWaitsMs: number, lifo: boolean, order: string[]]>([
    ['oldest first while the queue is healthy', 2_000, 100, true, ['a', 'b', 'c']],
    ['newest first while it is standing', 2_000, 101, true, ['c', 'b', 'a']],
    ['newest first for a deadline just under 5 s', 4_999, 101, true, ['c', 'b', 'a']],
    ['oldest first, standing or not, for a deadline of 5 s', 5_000, 101, true, ['a', 'b', 'c']],
    ['oldest first where newest first is switched off', 2_000, 101, false, ['a', 'b', 'c']],
  ])('is %s', (_, deadlineMs, oldestWaitsMs, lifo, order) => {
    const { come, served, crowd } = bench({ discipline: { lifo } });
    // Told by the last of them alone: when the others have gone, the rest is healthy again.
    const route = brisk({ deadlineMs, times: fixedTimes(1) });
    for (const [at, name] of ['a', 'b', 'c'].entries()) come(name, route, at === 0 ? 10 : 50);
    crowd(50);
    expect(served(10 + oldestWaitsMs)).toEqual(order);
  });

  it('is oldest first while the queue is no longer than it may be, however long somebody waits', () => {
    const { come, served } = bench();
    for (const name of ['a', 'b', 'c']) come(name, brisk(), 0);
    expect(served(400)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    { after: 'half a second', ms: 500, order: ['c', 'b', 'a'] },
    { after: 'more than half a second', ms: 501, order: ['a', 'b', 'c'] },
  ])('is told by a queue that was too long $after ago: $order', ({ ms, order }) => {
    const { come, served, crowd } = bench();
    for (const name of ['a', 'b', 'c']) come(name, brisk(), 0);
    crowd(0);
    expect(served(ms).at(0)).toEqual(order[0]);
  });

  it('lets patient tickets have their turn beside brisk ones that are served newest first', () => {
    const { come, served, crowd } = bench();
    for (const name of ['b1', 'b2', 'b3']) come(name, brisk(), 0);
    for (const name of ['p1', 'p2', 'p3']) come(name, patient(), 1);
    crowd(100);
    expect(served(150)).toEqual(['b3', 'p1', 'b2', 'p2', 'b1', 'p3']);
  });

  it('is oldest first across routes of both kinds while the queue is healthy', () => {
    const { come, served } = bench();
    come('p1', patient(), 0);
    come('b1', brisk(), 1);
    come('p2', patient(), 2);
    come('b2', brisk(), 3);
    expect(served(20)).toEqual(['p1', 'b1', 'p2', 'b2']);
  });

  it('serves the backlog of an outage oldest first: all of it can be served in time', () => {
    const { bulkhead, holder, come } = bench({ rideOutMs: 2_000 });
    bulkhead.outage.begin(0);
    const route = brisk({ deadlineMs: 4_000 });
    for (const [at, name] of ['a', 'b'].entries()) come(name, route, at);
    bulkhead.endOutage(1_000);
    bulkhead.release(1_000, holder);
    expect(bulkhead.next(1_000)?.arrivedAtMs).toBe(0);
  });
});

describe('feasibility', () => {
  it('counts little ahead of a newcomer that is served newest first', () => {
    const { bulkhead, come } = bench({ discipline: { eviction: false } });
    const one = brisk({ times: fixedTimes(50) });
    for (let n = 0; n < 20; n++) come(`t${n}`, one, 0);
    const newcomer = ticketOf(one, 2, 100);
    expect(bulkhead.predictedWaitMs(100, newcomer)).toBeGreaterThanOrEqual(1_000);
    expect(bulkhead.predictedWaitMs(101, newcomer)).toBeLessThan(200);
  });

  it('counts what the top class has queued, and what it keeps busy, against the classes below it', () => {
    const bulkhead = new Bulkhead<unknown>({ seats: 4, servesTopClass: true, headroom: 0 });
    const route = routeLoad({ deadlineMs: 2_000, times: fixedTimes(40) });
    const wait = (nowMs: number): number => bulkhead.predictedWaitMs(nowMs, ticketOf(route, 2, nowMs));
    for (let n = 0; n < 4; n++) bulkhead.arrive(0, ticketOf(route, 0, 0));
    // The first of four seats that are held for 40 ms is free after 8.
    expect(wait(0)).toBe(8);
    bulkhead.arrive(0, ticketOf(route, 0, 0));
    expect(wait(0)).toBe(8 + 10);
    bulkhead.arrive(0, ticketOf(route, 2, 0));
    const quiet = wait(0);
    expect(quiet).toBeGreaterThan(8 + 10 + 10);
    expect(quiet).toBeLessThan(8 + 10 + 20);
  });

  it.each([
    { seats: 4, running: 3, width: 1, waitMs: 0 },
    { seats: 4, running: 4, width: 1, waitMs: 8 },
    { seats: 4, running: 4, width: 3, waitMs: 24 },
    { seats: 1, running: 1, width: 1, waitMs: 20 },
  ])('where nobody waits: $width of $seats seats, $running in use', ({ seats, running, width, waitMs }) => {
    const bulkhead = new Bulkhead<unknown>({ seats, servesTopClass: false });
    const route = routeLoad({ deadlineMs: 2_000, maxQueued: 0, times: fixedTimes(40) });
    for (let n = 0; n < running; n++) bulkhead.arrive(0, ticketOf(route, 2, 0));
    const ticket = new Ticket<unknown>(undefined, route, 2, 0, 2_000, undefined, width);
    expect(bulkhead.predictedWaitMs(0, ticket)).toBe(waitMs);
    const refusal = waitMs === 0 ? undefined : { code: 'queue_full', retryAfterMs: waitMs };
    if (refusal === undefined) expect(bulkhead.preflight(0, ticket)).toBeUndefined();
    else expect(bulkhead.preflight(0, ticket)).toMatchObject(refusal);
  });

  it('sheds only what has expired where it is switched off', () => {
    const { bulkhead, holder, come } = bench({ discipline: { feasibility: false, lifo: false, eviction: false } });
    const one = brisk({ deadlineMs: 60, times: fixedTimes(50) });
    expect(['a', 'b', 'c'].map((name) => come(name, one, 0))).toEqual(['queued', 'queued', 'queued']);
    bulkhead.release(59, holder);
    const first = bulkhead.next(59);
    expect(first?.state).toBe('leased');
    if (first !== undefined) bulkhead.release(60, first);
    expect(bulkhead.next(60)?.refusal?.code).toBe('deadline_expired');
  });
});

describe('a queue at its bound by count', () => {
  const low = () => routeLoad({ name: 'low', deadlineMs: 30_000, times: fixedTimes(1) });
  const high = () => routeLoad({ name: 'high', deadlineMs: 30_000, times: fixedTimes(1) });

  it('gives the place of the least important ticket that would be served last to a more important one', () => {
    const { come, told } = bench({ maxQueued: 3 });
    const [one, other] = [low(), high()];
    come('l1', one, 0, 3);
    come('l2', one, 0, 3);
    come('n1', other, 0, 2);
    expect(come('h1', other, 1, 1)).toBe('queued');
    expect(told(1)).toEqual(['l2 displaced']);
    expect(come('l3', one, 2, 3)).toBe('queue_full');
    expect(come('h2', other, 3, 1)).toBe('queued');
    expect(told(3)).toEqual(['l1 displaced']);
    expect(come('h3', other, 4, 1)).toBe('queued');
    expect(told(4)).toEqual(['n1 displaced']);
    expect(come('h4', other, 5, 1)).toBe('queue_full');
    expect(told(5)).toEqual([]);
  });

  it('takes it from the oldest where that is the one that would be served last', () => {
    const { come, told, crowd } = bench({ maxQueued: 5 });
    const one = routeLoad({ name: 'low', deadlineMs: 2_000, times: fixedTimes(1) });
    for (const name of ['l1', 'l2', 'l3']) come(name, one, 0, 3);
    crowd(0, 3);
    for (const name of ['l4', 'l5']) come(name, one, 0, 3);
    come('h1', high(), 100, 1);
    expect(told(100)).toEqual(['l5 displaced']);
    come('h2', high(), 101, 1);
    expect(told(101)).toEqual(['l1 displaced']);
  });

  it('tells who took the place, and how long the displaced one had waited', () => {
    const { bulkhead, come } = bench({ maxQueued: 1 });
    come('l1', low(), 10, 3);
    come('h1', high(), 35, 1);
    expect(bulkhead.next(35)?.refusal).toMatchObject({
      code: 'displaced',
      status: 503,
      outcome: 'not_started',
      measured: { stage: 'queue', route: 'low', displaced_by: 'high', queued: 1, queue_wait_ms: 25 },
    });
  });

  it('does so for a route at its own bound only with a ticket of that route', () => {
    const { come, told } = bench();
    const mixed = routeLoad({ name: 'mixed', deadlineMs: 30_000, times: fixedTimes(1), maxQueued: 1 });
    come('other', low(), 0, 3);
    come('m1', mixed, 0, 2);
    expect(come('m2', mixed, 1, 1)).toBe('queued');
    expect(told(1)).toEqual(['m1 displaced']);
    expect(come('m3', mixed, 2, 2)).toBe('queue_full');
  });

  it('refuses the more important one where displacement is switched off', () => {
    const { come, told } = bench({ maxQueued: 1, discipline: { displacement: false } });
    come('l1', low(), 0, 3);
    expect(come('h1', high(), 1, 1)).toBe('queue_full');
    expect(told(1)).toEqual([]);
  });
});

describe('classes', () => {
  it('strictly by importance where minima are switched off', () => {
    const bulkhead = new Bulkhead({ seats: 1, servesTopClass: false, discipline: { minima: false } });
    const route = routeLoad({ deadlineMs: 1e6, times: fixedTimes(1) });
    let running = ticketOf(route, 0, 0);
    bulkhead.arrive(0, running);
    for (let n = 0; n < 50; n++) for (const rank of [3, 2, 1, 0] as const) bulkhead.arrive(0, ticketOf(route, rank, 0));
    const order: number[] = [];
    for (let nowMs = 5; bulkhead.queued > 0; nowMs += 5) {
      bulkhead.release(nowMs, running);
      running = bulkhead.next(nowMs) ?? running;
      order.push(running.rank);
    }
    expect(order).toEqual(order.toSorted());
  });

  it('leave no headroom where it is switched off', () => {
    const bulkhead = new Bulkhead({ seats: 4, servesTopClass: true, headroom: 2, discipline: { headroom: false } });
    const arrivals = [1, 2, 3, 4].map(() => bulkhead.arrive(0, ticketOf(routeLoad(), 3, 0)));
    expect(arrivals).toEqual(['leased', 'leased', 'leased', 'leased']);
  });
});
