import { describe, expect, it } from 'vitest';
import { hopeless, mayQueue, mayStart } from '../../../src/core/feasibility.js';
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
    expect(hopeless(atMs, ticketOf(busyRoute({ queued }), 0, atMs, timeLeftMs))?.code).toBe(code);
  });
});

describe('mayQueue', () => {
  const up = new Outage(2_000);

  it.each<[waitMs: number, timeLeftMs: number, code: Code]>([
    [0, 200, undefined],
    [0, 199, 'deadline_unreachable'],
    [100, 300, undefined],
    [100, 299, 'deadline_unreachable'],
  ])('a wait of %d ms and p90 have to fit into %d ms: %s', (waitMs, timeLeftMs, code) => {
    expect(mayQueue(10, ticketOf(busyRoute(), 0, 10, timeLeftMs), waitMs, 1, up)?.code).toBe(code);
  });

  it('lets a refused route try once a second, while nobody of it is queued', () => {
    const at = (nowMs: number, queued: number): Code =>
      mayQueue(nowMs, ticketOf(busyRoute({ queued }), 0, nowMs, 150), 0, 5, up)?.code;
    expect([at(999, 0), at(1_000, 0), at(1_000, 1)]).toEqual([
      'deadline_unreachable',
      undefined,
      'deadline_unreachable',
    ]);
  });

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
    const route = busyRoute({ times: fixedTimes(p50), deadlineMs });
    const ticket = ticketOf(route, rank, 10, 100_000);
    expect(mayQueue(10, ticket, boundMs, 9, up)).toBeUndefined();
    const refusal = mayQueue(10, ticket, boundMs + 0.1, 9, up);
    expect(refusal?.code).toBe('queue_full');
  });

  it('bounds the queue by count before anything else, in an outage too', () => {
    const down = new Outage(2_000);
    down.begin(0);
    const at = (queued: number, outage: Outage): Code =>
      mayQueue(10, ticketOf(busyRoute({ queued, maxQueued: 3 }), 0, 10, 9_000), 0, 9, outage)?.code;
    expect([at(2, up), at(3, up), at(4, up)]).toEqual([undefined, 'queue_full', 'queue_full']);
    expect([at(2, down), at(3, down)]).toEqual([undefined, 'queue_full']);
  });

  it.each<[atMs: number, waitMs: number, timeLeftMs: number, code: Code]>([
    [0, 0, 2_200, undefined],
    [0, 0, 2_199, 'database_unavailable'],
    [1_500, 0, 700, undefined],
    [1_500, 0, 699, 'database_unavailable'],
    [1_500, 300, 1_000, undefined],
    [1_500, 301, 1_000, 'database_unavailable'],
    [1_999, 400, 9_000, undefined],
    [2_000, 0, 9_000, 'database_unavailable'],
  ])('%d ms into an outage, with a backlog of %d ms and %d ms left: %s', (atMs, waitMs, timeLeftMs, code) => {
    const down = new Outage(2_000);
    down.begin(0);
    expect(mayQueue(atMs, ticketOf(busyRoute(), 0, atMs, timeLeftMs), waitMs, 9, down)?.code).toBe(code);
  });

  it('tells how long the server is down, and asks to come back no sooner than in a second', () => {
    const down = new Outage(2_000);
    down.begin(0);
    const refused = (atMs: number): Refusal | undefined =>
      mayQueue(atMs, ticketOf(busyRoute(), 0, atMs, 100), 0, 9, down);
    expect(refused(400)).toMatchObject({ retryAfterMs: 1_600, measured: { route: 'route', down_for_ms: 400 } });
    expect(refused(1_900)?.retryAfterMs).toBe(1_000);
  });

  it('judges by feasibility alone while the backlog of an outage drains', () => {
    const over = new Outage(2_000);
    over.begin(0);
    over.end(100);
    const at = (nowMs: number, timeLeftMs: number): Code =>
      mayQueue(nowMs, ticketOf(busyRoute({ lastLeaseMs: 2_000 }), 0, nowMs, timeLeftMs), 1_000, 9, over)?.code;
    expect(at(2_099, 1_200)).toBeUndefined();
    expect(at(2_099, 1_199)).toBe('deadline_unreachable');
    expect(at(2_100, 1_200)).toBe('queue_full');
  });
});

describe('mayStart', () => {
  it.each<[atMs: number, timeLeftMs: number, heldBeforeMs: number, code: Code]>([
    [10, 200, 0, undefined],
    [10, 199, 0, 'deadline_unreachable'],
    [10, 0, 0, 'deadline_expired'],
    [10, -5, 0, 'deadline_expired'],
    [10, 1, 30, undefined],
    [10, 0, 30, 'deadline_expired'],
    [1_000, 1, 0, undefined],
    [1_000, 0, 0, 'deadline_expired'],
  ])('at %d ms with %d ms left, after a seat for %d ms: %s', (atMs, timeLeftMs, heldBeforeMs, code) => {
    const ticket = ticketOf(busyRoute(), 0, atMs, timeLeftMs);
    ticket.heldBeforeMs = heldBeforeMs;
    expect(mayStart(atMs, ticket)?.code).toBe(code);
  });
});
