import { describe, expect, it } from 'vitest';
import { Bulkhead } from '../../../src/core/bulkhead.js';
import { overtaken, queueTooLong } from '../../../src/core/queue-refusals.js';
import { deadlineUnreachable, shownAtLeast, shownAtMost } from '../../../src/core/refusals.js';
import type { RouteLoad } from '../../../src/core/ticket.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';
import { bench, brisk } from './one-seat.js';

describe('a class with more work queued than it may', () => {
  // 150 ms of work of 50 ms each, in one seat: four tickets, three ahead of the last.
  const route = () => brisk({ times: fixedTimes(50) });
  const fill = (come: (name: string, one: RouteLoad, nowMs: number) => string, one: RouteLoad): void => {
    for (const name of ['a', 'b', 'c', 'd']) expect(come(name, one, 0)).toBe('queued');
  };

  it('refuses the newcomer while it is served oldest first', () => {
    const { bulkhead, come, told } = bench();
    const one = route();
    fill(come, one);
    expect(come('e', one, 100)).toBe('queue_full');
    expect([bulkhead.leaving, told(100)]).toEqual([0, []]);
  });

  it('evicts the oldest for it while it is served newest first, and hands that out without a free seat', () => {
    const { bulkhead, come, told } = bench();
    const one = route();
    fill(come, one);
    expect(come('e', one, 101)).toBe('queued');
    expect([bulkhead.leaving, bulkhead.queued, bulkhead.queuedOf(2), one.queued]).toEqual([1, 5, 4, 4]);
    expect(told(101)).toEqual(['a queue_full']);
    expect([bulkhead.leaving, bulkhead.queued]).toEqual([0, 4]);
  });

  it('hands evicted tickets out while the server is away, too', () => {
    const { bulkhead, come, told } = bench();
    const one = route();
    fill(come, one);
    come('e', one, 101);
    bulkhead.outage.begin(102);
    expect(told(102)).toEqual(['a queue_full']);
  });

  it('lets an evicted ticket leave that was not told yet, once', () => {
    const { bulkhead, come, told, named } = bench();
    const one = route();
    fill(come, one);
    come('e', one, 101);
    const evicted = named('a');
    expect([evicted?.state, evicted?.refusal?.code]).toEqual(['queued', 'queue_full']);
    if (evicted === undefined) return;
    expect(bulkhead.withdraw(101, evicted)).toBe(true);
    expect(bulkhead.withdraw(101, evicted)).toBe(false);
    expect([told(101), bulkhead.queued, one.queued]).toEqual([[], 4, 4]);
  });

  it('keeps short what a burst queues, however much time it has', () => {
    const refused = (deadlineMs: number, eviction: boolean): number => {
      const bulkhead = new Bulkhead({ seats: 2, servesTopClass: false, discipline: { eviction } });
      const route = routeLoad({ deadlineMs, times: fixedTimes(100) });
      const burst = Array.from({ length: 10 }, () => bulkhead.arrive(0, ticketOf(route, 2, 0)));
      return burst.filter((arrival) => arrival !== 'leased' && arrival !== 'queued').length;
    };
    expect([refused(2_000, true), refused(20_000, true), refused(20_000, false)]).toEqual([3, 3, 0]);
  });

  it('queues without a bound on work where eviction is switched off', () => {
    const { come, told } = bench({ discipline: { eviction: false, feasibility: false } });
    const one = route();
    for (let n = 0; n < 100; n++) expect(come(`t${n}`, one, n * 3)).toBe('queued');
    expect(told(300)).toEqual([]);
  });

  it('gives up who was overtaken for one and a half times the bound, though there is room, but not in the top class', () => {
    for (const [rank, evicted] of [
      [2, ['old queue_full']],
      [0, []],
    ] as const) {
      const { come, told, crowd } = bench();
      const one = brisk();
      come('old', one, 0, rank);
      crowd(100, rank);
      come('young', one, 225, rank);
      expect(told(225)).toEqual([]);
      come('younger', one, rank === 2 ? 226 : 460, rank);
      expect(told(460)).toEqual(evicted);
    }
  });

  it('says what was measured, what would pass, and when the queue will have drained to that', () => {
    const { bulkhead, come } = bench();
    const one = route();
    fill(come, one);
    come('e', one, 101);
    const refusal = bulkhead.next(101)?.refusal;
    expect(refusal?.measured).toMatchObject({ stage: 'queue', route: 'brisk', queued: 4, passes_with_wait_ms: 150 });
    expect(refusal?.measured?.predicted_wait_ms).toBeGreaterThan(150);
    expect(refusal?.retryAfterMs).toBeCloseTo(Number(refusal?.measured?.predicted_wait_ms) - 150, 0);
  });
});

describe('the figures of a refusal', () => {
  it('never round what was too much to what would have passed', () => {
    const { measured } = queueTooLong('brisk', 'arrival', 4, 300.01, 300);
    expect(measured).toMatchObject({ predicted_wait_ms: 300.1, passes_with_wait_ms: 300 });
    expect(overtaken('brisk', 4, 50.02, 50.02 - 0.01, 9).measured).toMatchObject({
      queue_wait_ms: 50.1,
      passes_with_queue_wait_ms: 50,
    });
    expect(deadlineUnreachable('brisk', 80.06, 70.05, 10.02).measured).toMatchObject({
      time_left_ms: 80,
      passes_with_ms: 80.1,
    });
  });

  it('show a decimal as what it is', () => {
    expect(shownAtLeast(0.1 + 0.2)).toBe(0.3);
    expect(shownAtMost(0.7 + 0.1)).toBe(0.8);
  });
});

describe('a lower class that has had tickets queued for more than two seconds', () => {
  /** Somebody always waits and nobody for long, but for one pause; who comes last stays. */
  function lasting(untilMs: number, pauseMs = 0) {
    const pool = bench();
    const one = brisk({ times: fixedTimes(50) });
    const leave = (name: string, nowMs: number): void => {
      const ticket = pool.named(name);
      if (ticket !== undefined) pool.bulkhead.withdraw(nowMs, ticket);
    };
    pool.come('at 0', one, 0);
    for (let nowMs = 20; nowMs <= untilMs; nowMs += 20) {
      if (nowMs % 400 === 0) pool.crowd(nowMs);
      if (nowMs === 1_000) leave('at 980', 1_000 - pauseMs);
      pool.come(nowMs === untilMs ? 'old' : `at ${nowMs}`, one, nowMs);
      leave(`at ${nowMs - 20}`, nowMs);
    }
    const come = (name: string, nowMs: number): string => pool.come(name, one, nowMs);
    return { ...pool, come };
  }

  it.each([
    ['newest first, though nobody has waited for long', 2_020, 0, ['b', 'old']],
    ['still oldest first when it is two seconds', 1_980, 0, ['old', 'b']],
    ['newest first after a moment without', 2_020, 20, ['b', 'old']],
  ])('is served %s', (_, untilMs, pauseMs, order) => {
    const { come, served } = lasting(untilMs, pauseMs);
    come('b', untilMs + 10);
    expect(served(untilMs + 11)).toEqual(order);
  });

  it('counts from anew after more than a moment without', () => {
    const { bulkhead, come, served, named, crowd } = lasting(980);
    const old = named('old');
    if (old !== undefined) bulkhead.withdraw(980, old);
    come('after', 1_011);
    for (let nowMs = 1_020; nowMs <= 2_020; nowMs += 20) {
      come(`at ${nowMs}`, nowMs);
      const before = named(nowMs === 1_020 ? 'after' : `at ${nowMs - 20}`);
      if (before !== undefined) bulkhead.withdraw(nowMs, before);
      if (nowMs % 400 === 0) crowd(nowMs);
    }
    come('b', 2_025);
    expect(served(2_026)).toEqual(['at 2020', 'b']);
  });

  // 90 ms of work of 50 ms each: two tickets.
  it('holds six tenths of what it may in a burst, and refuses the newcomer while all of it is new', () => {
    const { bulkhead, come, told } = lasting(2_020);
    expect([come('b', 2_025), come('c', 2_030), come('d', 2_038)]).toEqual(['queued', 'queue_full', 'queue_full']);
    expect([bulkhead.queued, told(2_038)]).toEqual([2, []]);
  });

  it('makes place by the oldest once that has waited for a fifth of the bound', () => {
    const { come, told } = lasting(2_020);
    come('b', 2_025);
    expect([come('c', 2_039), told(2_039)]).toEqual(['queued', ['old queue_full']]);
  });

  it('gives up who was overtaken for one and a half times the bound, though there is room', () => {
    const { come, told } = lasting(2_020);
    come('b', 2_155);
    expect(told(2_155)).toEqual([]);
    come('c', 2_156);
    expect(told(2_156)).toEqual(['old queue_full']);
  });
});
