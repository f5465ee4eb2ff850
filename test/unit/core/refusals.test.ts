import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { mayWaitOut } from '../../../src/core/feasibility.js';
import { Outage } from '../../../src/core/outage.js';
import { expiredInQueue, expiredOnArrival, outageGivenUp } from '../../../src/core/refusals.js';
import type { RouteLoad } from '../../../src/core/ticket.js';
import type { Measured } from '../../../src/errors.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';
import { type Bench, bench, brisk } from './one-seat.js';

/** What a ticket that comes now is refused with. */
function measured({ bulkhead }: Pick<Bench, 'bulkhead'>, route: RouteLoad, nowMs: number, rank: 0 | 2 | 3 = 2) {
  const arrival = bulkhead.arrive(nowMs, ticketOf(route, rank, nowMs));
  return typeof arrival === 'string' ? arrival : arrival.measured;
}

const patient = (name: string, maxQueued: number): RouteLoad =>
  routeLoad({ name, maxQueued, deadlineMs: 30_000, times: fixedTimes(1) });

describe('a queue that is full by count', () => {
  it('counts what the bound of the route counts, and names it; one fewer would have passed', () => {
    const seat = bench();
    const [few, many] = [patient('few', 2), patient('many', 1_000)];
    for (let n = 0; n < 5; n++) seat.come(`m${n}`, many, 0);
    for (const name of ['f0', 'f1']) expect(seat.come(name, few, 0)).toBe('queued');
    expect(measured(seat, few, 1)).toEqual({
      stage: 'arrival',
      route: 'few',
      scope: 'route',
      queued: 2,
      predicted_wait_ms: expect.any(Number),
      passes_with_queued_below: 2,
    });
    const first = seat.named('f0');
    if (first !== undefined) seat.bulkhead.withdraw(2, first);
    expect(measured(seat, few, 2)).toBe('queued');
  });

  it('counts all routes where the bound of the pool is reached', () => {
    const seat = bench({ maxQueued: 3 });
    for (const name of ['a', 'b', 'c']) expect(seat.come(name, patient(name, 1_000), 0)).toBe('queued');
    expect(measured(seat, patient('d', 1_000), 1)).toMatchObject({
      route: 'd',
      scope: 'pool',
      queued: 3,
      passes_with_queued_below: 3,
    });
  });

  it('asks for a free seat where the route has no queue at all', () => {
    const seat = bench();
    const route = patient('z', 0);
    expect(measured(seat, route, 1)).toEqual({
      stage: 'arrival',
      route: 'z',
      scope: 'route',
      free_seats: 0,
      predicted_wait_ms: 0,
      passes_with_free_seats: 1,
    });
    seat.bulkhead.release(2, seat.holder);
    expect(measured(seat, route, 2)).toBe('leased');
  });

  it('counts as free what its class may take, and asks for what the work is wide', () => {
    const bulkhead = new Bulkhead<unknown>({ seats: 4, headroom: 3, servesTopClass: true });
    const seat = { bulkhead };
    expect(measured(seat, patient('first', 0), 0)).toBe('leased');
    expect(measured(seat, patient('lower', 0), 0)).toMatchObject({ free_seats: 0, passes_with_free_seats: 1 });
    expect(measured(seat, patient('top', 0), 0, 0)).toBe('leased');
  });
});

describe('a ticket that had its place', () => {
  it.each([
    ['route', { maxQueued: 1_000 }, 1],
    ['pool', { maxQueued: 1 }, 1_000],
  ])('and was displaced is told the bound of the %s', (scope, options, ofRoute) => {
    const { bulkhead, come } = bench(options);
    const route = patient('mixed', ofRoute);
    come('low', route, 0, 3);
    expect(come('high', route, 1, 1)).toBe('queued');
    expect(bulkhead.next(1)?.refusal).toMatchObject({
      code: 'displaced',
      measured: { displaced_by: 'mixed', scope, queued: 1, passes_with_queued_below: 1 },
    });
  });

  it('and was overtaken is told for how long it might have been', () => {
    const { bulkhead, come, crowd } = bench();
    const one = brisk();
    expect(come('old', one, 0)).toBe('queued');
    crowd(10);
    for (const nowMs of [225, 226]) expect(come('young', one, nowMs)).toBe('queued');
    expect(bulkhead.next(226)?.refusal?.measured).toMatchObject({
      stage: 'queue',
      scope: 'class',
      queued: 2,
      queue_wait_ms: 226,
      passes_with_queue_wait_ms: 225,
    });
  });
});

describe('a deadline that is over', () => {
  const needed = { deadline_ms: 100, expected_service_ms: 20, needed_at_least_ms: 140 };

  it('says what would have been needed', () => {
    const ticket = ticketOf(routeLoad(), 2, 1_000, 100);
    expect(expiredOnArrival(1_120, ticket).measured).toEqual({ stage: 'arrival', route: 'route', ...needed });
    ticket.queuedAtMs = 1_010;
    expect(expiredInQueue(1_120, ticket).measured).toEqual({
      stage: 'queue',
      route: 'route',
      queue_wait_ms: 110,
      ...needed,
    });
  });
});

describe('a server that is away', () => {
  const down = new Outage(2_000);
  down.begin(0);
  const refused = (nowMs: number, timeLeftMs: number): Measured | undefined =>
    mayWaitOut(nowMs, ticketOf(routeLoad(), 2, nowMs, timeLeftMs), 50, down)?.measured;

  it('is waited for with the time that the refusal names', () => {
    const found = refused(500, 100);
    expect(found).toMatchObject({ stage: 'arrival', down_for_ms: 500, time_left_ms: 100 });
    const passes = Number(found?.passes_with_ms);
    expect(refused(500, passes)).toBeUndefined();
    expect(refused(500, passes - 2)).toBeDefined();
  });

  it('refuses those that wait already with how long they have', () => {
    const ticket = ticketOf(routeLoad({ deadlineMs: 5_000 }), 2, 1_000);
    ticket.state = 'queued';
    ticket.queuedAtMs = 1_000;
    expect(mayWaitOut(1_900, ticket, 5_000, down)?.measured).toMatchObject({ stage: 'queue', time_left_ms: 4_100 });
    expect(outageGivenUp(2_000, ticket, 1_999.6).measured).toEqual({
      stage: 'queue',
      route: 'route',
      down_for_ms: 2_000,
      queue_wait_ms: 1_000,
    });
  });

  it('is not, whatever the time, once it was given up', () => {
    expect(refused(2_500, 100)).not.toHaveProperty('passes_with_ms');
    expect(refused(2_500, 1e9)).toBeDefined();
  });
});
