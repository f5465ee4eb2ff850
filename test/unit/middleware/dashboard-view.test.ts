import { describe, expect, test } from 'vitest';
import { ChartHistory } from '../../../middleware/dashboard/history.js';
import { refusalsOf } from '../../../middleware/dashboard/refusals.js';
import { type Taken, viewOf } from '../../../middleware/dashboard/view.js';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import { type Snapshot, snapshot } from '../../../src/telemetry/snapshot.js';
import type { TelemetrySource } from '../../../src/telemetry/source.js';
import { exampleSource } from '../telemetry/example-source.js';

/** A gateway with one route, and snapshots of it as the feed takes them. */
function oneRoute(mode: Snapshot['mode'] = 'enforce') {
  const stats = new RouteStats();
  const source: TelemetrySource = {
    ...exampleSource().source,
    mode,
    routes: () => [{ name: 'checkout', pool: 'checkout', priority: 'critical', stats }],
  };
  const take = (atMs: number): Taken => ({ atMs, snapshot: snapshot(source) });
  return { stats, take };
}

function serveOne(stats: RouteStats, responseMs: number, timeLeftMs = 400): void {
  stats.arrive();
  stats.admit(0, timeLeftMs);
  stats.end('succeeded', responseMs);
  stats.respond(responseMs);
}

describe('a view', () => {
  test('has rates of the last step and durations of all steps', () => {
    const { stats, take } = oneRoute();
    // Before the first snapshot: part of no rate and of no duration.
    for (let count = 0; count < 1_000; count += 1) serveOne(stats, 9_000, 9_000);
    const first = take(0);
    for (let count = 0; count < 90; count += 1) serveOne(stats, 20);
    const second = take(8_000);
    for (let count = 0; count < 10; count += 1) serveOne(stats, 900, 60);
    for (let count = 0; count < 5; count += 1) {
      stats.arrive();
      stats.shedWith('queue_full');
    }
    for (let count = 0; count < 3; count += 1) {
      stats.arrive();
      stats.abandon();
    }
    stats.answerWith('deadline_expired');
    const [route] = viewOf([first, second, take(10_000)], 1)?.routes ?? [];
    expect(route).toMatchObject({ arrived: 9, admitted: 5, shed: 2.5, shedByCode: { queue_full: 2.5 }, left: 1.5 });
    expect(route?.errorsByCode).toEqual({ deadline_expired: 0.5 });
    const { response, timeLeft } = route ?? {};
    const figures = [response?.p50, response?.p95, response?.p99, timeLeft?.p50, timeLeft?.p5];
    for (const [index, trueMs] of [20, 900, 900, 400, 60].entries()) {
      expect(Math.abs((figures[index] ?? 0) - trueMs) / trueMs).toBeLessThan(0.05);
    }
  });

  test('of a first snapshot has no rate and no duration, and of none is none', () => {
    const { stats, take } = oneRoute();
    serveOne(stats, 20);
    const [route] = viewOf([take(5)], 1)?.routes ?? [];
    expect(route).toMatchObject({ arrived: 0, admitted: 0, shed: 0, response: { p50: null }, timeLeft: { p5: null } });
    expect(viewOf([], 1)).toBeUndefined();
  });

  test('in mode observe tells what would have been shed', () => {
    const { stats, take } = oneRoute('observe');
    const first = take(0);
    stats.wouldShed('displaced');
    expect(viewOf([first, take(1_000)], 1)?.routes[0]).toMatchObject({ shed: 1, shedByCode: { displaced: 1 } });
  });

  test('carries what the breaker lets through, and what was granted', () => {
    const { source } = exampleSource();
    const [pool] = viewOf([{ atMs: 0, snapshot: snapshot(source) }], 1)?.pools ?? [];
    expect(pool).toMatchObject({ circuit: { openedBy: 'slow', share: 0.25 }, connections: { granted: 14, max: 16 } });
  });
});

test('the history is bounded by time and by number', () => {
  const { take } = oneRoute();
  const at = (seconds: number) => {
    const view = viewOf([take(0)], seconds * 1_000);
    if (view === undefined) throw new Error('no view');
    return view;
  };
  const history = new ChartHistory(10, 4);
  for (const second of [0, 5, 9, 14]) history.add(at(second));
  expect(history.points.map(([second]) => second)).toEqual([5, 9, 14]);
  for (const second of [14.5, 15, 15.5]) history.add(at(second));
  expect(history.points.map(([second]) => second)).toEqual([14, 14.5, 15, 15.5]);
  // The seats in use and what is queued, of both pools.
  expect(history.points[0]?.[2]).toEqual([
    [2, 4],
    [0, 0],
  ]);
});

test('what is shed by the thousand does not hide the refusals of another kind or route', () => {
  const refusal = (code: 'queue_full' | 'rate_limited') =>
    ({ code, status: 503, outcome: 'not_started', detail: 'full' }) as const;
  const quiet = new RouteStats();
  const loud = new RouteStats();
  quiet.lastRefusals.add(5, refusal('queue_full'));
  for (let atMs = 1_000; atMs < 2_000; atMs += 1) loud.lastRefusals.add(atMs, refusal('queue_full'));
  loud.lastRefusals.add(1_500, refusal('rate_limited'));
  const route = (name: string, stats: RouteStats) => ({ name, priority: 'low', stats }) as const;
  const shown = refusalsOf([route('quiet', quiet), route('loud', loud)], 2_000, 1_002_000);
  expect(shown).toEqual([
    { ...refusal('queue_full'), route: 'loud', atMs: 1_999, at: 1_001_999, alike: 19, helps: expect.any(String) },
    { ...refusal('rate_limited'), route: 'loud', atMs: 1_500, at: 1_001_500, alike: 1, helps: expect.any(String) },
    { ...refusal('queue_full'), route: 'quiet', atMs: 5, at: 1_000_005, alike: 1, helps: expect.any(String) },
  ]);
  const crowd = Array.from({ length: 60 }, (_, index) => route(`route ${index}`, quiet));
  expect(refusalsOf(crowd, 2_000, 1_002_000)).toHaveLength(40);
});
