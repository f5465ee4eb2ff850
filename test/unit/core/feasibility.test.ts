import { describe, expect, it } from 'vitest';
import {
  hopeless,
  hopelessRefusal,
  lastStartMs,
  mayStart,
  mayWait,
  mayWaitOut,
  queueBoundMs,
} from '../../../src/core/feasibility.js';
import { Outage } from '../../../src/core/outage.js';
import type { PriorityRank } from '../../../src/core/priority.js';
import type { RouteLoad } from '../../../src/core/ticket.js';
import type { Refusal } from '../../../src/errors.js';
import { fixedTimes, routeLoad, ticketOf } from '../../support/tickets.js';

type Code = Refusal['code'] | undefined;

/** A route of 100 ms at the median and 200 ms at p90 that served somebody at 0, so that no estimate is probed yet. */
function busyRoute(init: Partial<RouteLoad> = {}): RouteLoad {
  return routeLoad({ times: fixedTimes(100, 200), lastLeaseMs: 0, deadlineMs: 10_000, ...init });
}

describe('hopeless', () => {
  it.each<[atMs: number, timeLeftMs: number, queued: number, code: Code]>([
    [10, 100, 0, undefined],
    [10, 99.9, 0, 'deadline_unreachable'],
    [10, 0, 0, 'deadline_unreachable'],
    [999, 50, 0, 'deadline_unreachable'],
    [1_000, 50, 0, undefined],
    [1_000, 50, 1, 'deadline_unreachable'],
  ])('at %d ms with %d ms left and %d queued: %s', (atMs, timeLeftMs, queued, code) => {
    const ticket = ticketOf(busyRoute({ queued }), 0, atMs, timeLeftMs);
    expect(hopeless(atMs, ticket) ? hopelessRefusal(atMs, ticket, 0).code : undefined).toBe(code);
  });
});

describe('what hopeless tells', () => {
  it.each<[waitMs: number, passesMs: number]>([
    [0, 100],
    [30, 230],
  ])('with a wait of %d ms, %d ms pass', (waitMs, passesMs) => {
    const ticket = ticketOf(busyRoute(), 0, 10, 50);
    expect(hopelessRefusal(10, ticket, waitMs).measured).toMatchObject({
      predicted_wait_ms: waitMs,
      passes_with_ms: passesMs,
    });
    if (waitMs === 0) return;
    expect(mayWait(10, ticketOf(busyRoute(), 0, 10, passesMs), waitMs)).toBeUndefined();
    expect(mayWait(10, ticketOf(busyRoute(), 0, 10, passesMs - 1), waitMs)).toBeDefined();
  });
});

describe('mayWait', () => {
  it.each<[waitMs: number, timeLeftMs: number, code: Code]>([
    [0, 200, undefined],
    [0, 199, 'deadline_unreachable'],
    [100, 300, undefined],
    [100, 299, 'deadline_unreachable'],
  ])('a wait of %d ms and p90 have to fit into %d ms: %s', (waitMs, timeLeftMs, code) => {
    expect(mayWait(10, ticketOf(busyRoute(), 0, 10, timeLeftMs), waitMs)?.code).toBe(code);
  });

  it('lets a refused route try once a second, while nobody of it is queued', () => {
    const at = (nowMs: number, queued: number): Code =>
      mayWait(nowMs, ticketOf(busyRoute({ queued }), 0, nowMs, 150), 0)?.code;
    expect([at(999, 0), at(1_000, 0), at(1_000, 1)]).toEqual([
      'deadline_unreachable',
      undefined,
      'deadline_unreachable',
    ]);
  });

  it('tells what was measured, what would have passed, and when the wait will have shrunk to that', () => {
    const refusal = mayWait(10, ticketOf(busyRoute(), 0, 10, 250), 120);
    expect(refusal?.measured).toEqual({
      stage: 'arrival',
      route: 'route',
      time_left_ms: 250,
      predicted_wait_ms: 120,
      expected_service_ms: 200,
      passes_with_ms: 320,
    });
    expect(refusal?.retryAfterMs).toBe(70);
    // With less time than one service takes, an empty queue would not help either: the wait is all there is to say.
    expect(mayWait(10, ticketOf(busyRoute(), 0, 10, 150), 120)?.retryAfterMs).toBe(120);
  });
});

describe('queueBoundMs', () => {
  it.each<[rank: PriorityRank, p50: number, deadlineMs: number, boundMs: number]>([
    [0, 20, 10_000, 300],
    [1, 20, 10_000, 150],
    [3, 20, 10_000, 150],
    [0, 200, 10_000, 400],
    [3, 200, 10_000, 400],
    [0, 20, 800, 200],
    [3, 20, 400, 100],
    [3, 5_000, 10_000, 2_500],
  ])('class %d with a median of %d ms and a deadline of %d ms queues %d ms of wait at most', (...row) => {
    const [rank, p50, deadlineMs, boundMs] = row;
    expect(queueBoundMs(10, busyRoute({ times: fixedTimes(p50), deadlineMs }), rank)).toBe(boundMs);
  });
});

describe('mayWaitOut', () => {
  it.each<[atMs: number, waitMs: number, timeLeftMs: number, code: Code]>([
    // It may be one session only that ended: that is known after 50 ms.
    [0, 0, 250, undefined],
    [0, 0, 249, 'database_unavailable'],
    [49, 0, 201, undefined],
    [50, 0, 2_150, undefined],
    [50, 0, 2_149, 'database_unavailable'],
    [1_500, 0, 700, undefined],
    [1_500, 0, 699, 'database_unavailable'],
    [1_500, 300, 1_000, undefined],
    [1_500, 301, 1_000, 'database_unavailable'],
    [1_999, 400, 9_000, undefined],
    [2_000, 0, 9_000, 'database_unavailable'],
  ])('%d ms into an outage, with a backlog of %d ms and %d ms left: %s', (atMs, waitMs, timeLeftMs, code) => {
    const down = new Outage(2_000);
    down.begin(0);
    expect(mayWaitOut(atMs, ticketOf(busyRoute(), 0, atMs, timeLeftMs), waitMs, down)?.code).toBe(code);
  });

  it('tells how long the server is down, and asks to come back no sooner than in a second', () => {
    const down = new Outage(2_000);
    down.begin(0);
    const refused = (atMs: number): Refusal | undefined =>
      mayWaitOut(atMs, ticketOf(busyRoute(), 0, atMs, 100), 0, down);
    expect(refused(400)).toMatchObject({ retryAfterMs: 1_600, measured: { route: 'route', down_for_ms: 400 } });
    expect(refused(1_900)?.retryAfterMs).toBe(1_000);
  });
});

describe('mayStart', () => {
  it.each<[atMs: number, timeLeftMs: number, heldBeforeMs: number, code: Code]>([
    [10, 200, 0, undefined],
    [10, 199, 0, 'deadline_unreachable'],
    [10, 0, 0, 'deadline_expired'],
    [10, -5, 0, 'deadline_expired'],
    [10, 1, 30, undefined],
    // Its owner knows better: the deadline of a streamed answer that has begun is met.
    [10, 0, 30, undefined],
    [1_000, 1, 0, undefined],
    [1_000, 0, 0, 'deadline_expired'],
  ])('at %d ms with %d ms left, after a seat for %d ms: %s', (atMs, timeLeftMs, heldBeforeMs, code) => {
    const ticket = ticketOf(busyRoute(), 0, atMs, timeLeftMs);
    ticket.heldBeforeMs = heldBeforeMs;
    expect(mayStart(atMs, ticket)?.code).toBe(code);
  });

  it.each<[atMs: number, queued: number, code: Code]>([
    [1_000, 1, undefined],
    [999, 1, 'deadline_unreachable'],
    [1_000, 2, 'deadline_unreachable'],
  ])('at %d ms, of %d queued, itself included: %s', (atMs, queued, code) => {
    expect(mayStart(atMs, ticketOf(busyRoute({ queued }), 0, atMs, 150))?.code).toBe(code);
  });
});

describe('lastStartMs', () => {
  it.each<[atMs: number, timeLeftMs: number, queued: number, untilMs: number]>([
    [10, 500, 3, 310],
    [10, 200, 1, 10],
    [10, 150, 1, 10],
    [1_000, 150, 1, 1_150],
    [1_000, 150, 2, 1_000],
    [1_000, -5, 1, 1_000],
  ])('at %d ms with %d ms left, of %d queued, itself included: %d', (atMs, timeLeftMs, queued, untilMs) => {
    expect(lastStartMs(atMs, ticketOf(busyRoute({ queued }), 0, atMs, timeLeftMs))).toBe(untilMs);
  });
});
