import { describe, expect, it } from 'vitest';
import type { LoggedRequest } from '../../../src/cli/replay/logged-request.js';
import { recordedCalls, recordedOutages } from '../../../src/cli/replay/recorded-calls.js';
import { otherCosts, withCosts } from '../../../src/cli/replay/recorded-cost.js';
import { startOf } from '../../../src/cli/replay/replay-text.js';
import { type LoggedTraffic, readTraffic } from '../../../src/cli/replay/requests.js';
import { settingsOf } from '../../../src/cli/simulator-settings.js';
import { decodeLog } from '../../../src/telemetry/decision-log/log-document.js';
import { recordedRun } from '../../support/recorded-run.js';

const options = { pools: { main: { max: 2 } }, routes: { work: { pool: 'main', deadlineMs: 300 } } } as const;
const log = decodeLog(recordedRun(options, 200).bytes);
const traffic = readTraffic(log);
const startMs = startOf(log);

/** A request that was served for 20 ms, 100 ms after the log began, with some things changed. */
function request(rest: Partial<LoggedRequest>): LoggedRequest {
  const atMs = startMs + 100;
  return {
    record: 7,
    route: 'work',
    rank: 2,
    arrivedAtMs: atMs,
    deadlineAtMs: atMs + 300,
    seats: 1,
    tenant: undefined,
    caller: undefined,
    judgedAtMs: atMs,
    enteredAtMs: atMs,
    carriedOver: false,
    slot: undefined,
    fixed: false,
    fate: 'admitted',
    leasedAtMs: atMs + 10,
    endedAtMs: atMs + 30,
    cutShort: false,
    learntMs: 20,
    givesUpAtMs: undefined,
    askedAndHandedOnAtMs: undefined,
    endedAndHandedOnAtMs: undefined,
    ...rest,
  };
}

function callOf(rest: Partial<LoggedRequest>) {
  const { calls } = recordedCalls(log, { ...traffic, requests: [request(rest)] }, 1);
  return calls.get('work')?.[0];
}

describe('the requests of a log as a load', () => {
  it('ask when they did, for as long as they were served, with the time of their route', () => {
    expect(callOf({})).toEqual({
      atMs: 100,
      onTheWayMs: 0,
      budgetMs: Number.POSITIVE_INFINITY,
      rank: undefined,
      tenant: undefined,
      caller: undefined,
      seats: 1,
      serviceMs: 20,
      leavesAfterMs: Number.POSITIVE_INFINITY,
    });
  });

  it.each<[what: string, request: Partial<LoggedRequest>, call: object]>([
    ['a lowered class', { rank: 3 }, { rank: 3 }],
    ['a tenant, a caller and a cost', { tenant: 't', caller: 'c', seats: 3 }, { tenant: 't', caller: 'c', seats: 3 }],
    ['less time than the route gives', { deadlineAtMs: startMs + 150 }, { budgetMs: 50 }],
    ['a body that came late', { enteredAtMs: startMs + 140 }, { atMs: 140, onTheWayMs: 40 }],
    [
      'an arrival before the log',
      { arrivedAtMs: startMs - 5, enteredAtMs: startMs + 2 },
      { atMs: expect.closeTo(2), onTheWayMs: expect.closeTo(2) },
    ],
    [
      'a client that left the queue',
      { fate: 'gone', leasedAtMs: undefined, endedAtMs: startMs + 160 },
      { leavesAfterMs: 60 },
    ],
    ['a client that left its seat', { cutShort: true }, { leavesAfterMs: 30 }],
    [
      'a seat that was held when the log began',
      { carriedOver: true, arrivedAtMs: startMs - 50, deadlineAtMs: startMs + 250, leasedAtMs: startMs - 40 },
      { atMs: 0, onTheWayMs: 0, budgetMs: 250, serviceMs: 130 },
    ],
  ])('keep %s', (_, changed, call) => {
    expect(callOf(changed)).toMatchObject(call);
  });

  it('draw by seed what the log does not tell, and count it', () => {
    const requests = [...traffic.requests, request({ record: 1e6, fate: 'queue_full', leasedAtMs: undefined })];
    const drawnBy = (seed: number) => recordedCalls(log, { ...traffic, requests }, seed);
    const last = (seed: number) =>
      drawnBy(seed)
        .calls.get('work')
        ?.find(({ atMs }) => atMs === 100)?.serviceMs;
    expect(last(1)).toBe(last(1));
    expect(new Set([1, 2, 3, 4].map(last)).size).toBeGreaterThan(1);
    expect(drawnBy(1).drawn).toBe(requests.filter(({ leasedAtMs }) => leasedAtMs === undefined).length);
    expect(drawnBy(1).assumed).toEqual([]);
    const none = recordedCalls(log, { ...traffic, requests: requests.slice(-1) }, 1);
    expect(none.assumed).toEqual(['work']);
    expect(none.calls.get('work')?.[0]?.serviceMs).toBe(50);
  });

  it('bring the outages of the log, those that began before it and those that outlast it too', () => {
    const event = (kind: 'outage' | 'recovery' | 'resize', afterMs: number) => {
      return { kind, pool: 'main', atMs: startMs + afterMs, share: 1 };
    };
    const outagesOf = (...events: LoggedTraffic['events'][number][]) =>
      recordedOutages(log, { ...traffic, events }, 1_000).map(({ atMs, forMs }) => [atMs, forMs]);
    expect(outagesOf(event('outage', 100), event('resize', 150), event('recovery', 300))).toEqual([[100, 200]]);
    expect(outagesOf(event('recovery', 300), event('outage', 700))).toEqual([
      [0, 300],
      [700, 300],
    ]);
    expect(outagesOf(event('resize', 5))).toEqual([]);
  });
});

describe('the costs of a configuration', () => {
  const configured = (work: object) =>
    settingsOf({ ...options, routes: { work: { ...options.routes.work, ...work } } }, {});
  const costs = (seats: readonly number[]) => seats.map((each) => request({ seats: each }));

  it('are those of the requests where all of them cost the same', () => {
    // Where a bucket refused it, the log does not tell the cost.
    const refused = request({ seats: 1, fate: 'rate_limited' });
    const { seats, notModelled } = otherCosts([...costs([2, 2]), refused], configured({ cost: 1 }));
    expect([[...seats], notModelled]).toEqual([[['work', 1]], []]);
    const { calls } = recordedCalls(log, { ...traffic, requests: costs([2, 2]) }, 1);
    expect(
      withCosts(calls, seats)
        .get('work')
        ?.map((call) => call.seats),
    ).toEqual([1, 1]);
    expect(withCosts(calls, new Map())).toEqual(calls);
  });

  it('are named where each request named its own, and say nothing beside a function', () => {
    const varying = otherCosts(costs([2, 1]), configured({ cost: 2 }));
    expect([...varying.seats]).toEqual([]);
    expect(varying.notModelled).toEqual(['routes.work.cost (the requests of the log name their own)']);
    expect(otherCosts(costs([2, 1]), configured({})).notModelled).toEqual([]);
    const asked = otherCosts(costs([2, 2]), configured({ cost: 1, costOf: () => 2 }));
    expect([[...asked.seats], asked.notModelled]).toEqual([[], []]);
  });
});
