import { expect, test } from 'vitest';
import { diagnosePools } from '../../../src/gateway/diagnose.js';
import { RouteStats } from '../../../src/telemetry/route-stats.js';
import { type Snapshot, snapshot } from '../../../src/telemetry/snapshot.js';
import { exampleSource } from '../telemetry/example-source.js';

/** The two routes of the pool `checkout`, and what each snapshot of them would show. */
function twoRoutes() {
  const { source } = exampleSource();
  const [buy, look] = [new RouteStats(), new RouteStats()];
  const routes = [
    { name: 'buy', pool: 'checkout', priority: 'critical' as const, stats: buy },
    { name: 'look', pool: 'checkout', priority: 'low' as const, stats: look },
  ];
  const serve = (stats: RouteStats, heldMs: number, waitMs: number): void => {
    for (let request = 0; request < 100; request += 1) {
      stats.arrive();
      stats.admit(waitMs);
      stats.end('succeeded', heldMs);
    }
  };
  return { buy, look, serve, take: (): Snapshot => snapshot({ ...source, routes: () => routes }) };
}

test('compares what happened between two snapshots with what had happened before', () => {
  const { buy, look, serve, take } = twoRoutes();
  for (const stats of [buy, look]) serve(stats, 20, 0);
  const earlier = take();
  serve(buy, 21, 50);
  serve(look, 400, 50);
  const [checkout, reports] = diagnosePools(take(), earlier);
  expect(checkout).toMatchObject({ pool: 'checkout', fault: 'slow_query', route: 'look' });
  expect(reports).toMatchObject({ pool: 'reports', fault: 'database_down' });
});

test('takes what is quiet from another snapshot, and locks from the server', () => {
  const { buy, look, serve, take } = twoRoutes();
  for (const stats of [buy, look]) serve(stats, 20, 0);
  const quiet = take();
  for (const stats of [buy, look]) serve(stats, 90, 200);
  const earlier = take();
  for (const stats of [buy, look]) serve(stats, 100, 200);
  const [saturated] = diagnosePools(take(), earlier, { quiet });
  expect(saturated?.fault).toBe('database_saturated');
  // Compared with what was slow already, all looks well but for the waiting.
  expect(diagnosePools(take(), earlier)[0]?.fault).not.toBe('database_saturated');
  const servers = { checkout: { active: 10, waitingForLocks: 8 } };
  expect(diagnosePools(take(), earlier, { quiet, servers })[0]?.fault).toBe('lock_contention');
});

test('tells of snapshots in the wrong order, and of a gateway that has started anew meanwhile', () => {
  const { buy, serve, take } = twoRoutes();
  const earlier = take();
  serve(buy, 20, 0);
  const now = take();
  expect(() => diagnosePools(earlier, now)).toThrow(
    'diagnosePools(): route "buy" has 0 arrived in now, the first argument, and 100 in earlier, the second: give the ' +
      'snapshot that was taken last first, and two of one run of one gateway',
  );
  expect(() => diagnosePools(earlier, now)).toThrow(RangeError);
  expect(diagnosePools(now, now)[0]?.fault).toBe('unclear');
});

test('tells of what is no snapshot', () => {
  const now = twoRoutes().take();
  const untyped = diagnosePools as (...given: readonly unknown[]) => unknown;
  const remedy = ': give what gateway.snapshot() returned';
  for (const [given, told] of [
    [[now], `earlier, the second argument, of diagnosePools() is undefined${remedy}`],
    [[], `now, the first argument, of diagnosePools() is undefined${remedy}`],
    [[null, now], `now, the first argument, of diagnosePools() is null${remedy}`],
    [[() => now, now], `now, the first argument, of diagnosePools() is function${remedy}`],
    [[now, { quiet: now }], `earlier, the second argument, of diagnosePools() is an object without routes and pools`],
    [[now, now, { quiet: {} }], `quiet of diagnosePools() is an object without routes and pools${remedy}`],
    [[now, now, { quite: now }], '"quite" is no option of diagnosePools(): use "quiet"'],
  ] as const) {
    expect(() => untyped(...given)).toThrow(TypeError);
    expect(() => untyped(...given)).toThrow(told);
  }
});
