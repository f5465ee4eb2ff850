import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quantileBetween, type Reading, routeIntervals } from '../../../../src/cli/top/interval.js';
import { viewLines } from '../../../../src/cli/top/view-text.js';
import type { HistogramSnapshot, RouteSnapshot } from '../../../../src/telemetry/snapshot.js';
import { WatchedApp } from './support.js';

const BOUNDS = [10, 20, 40];
const histogram = (...cumulative: number[]): HistogramSnapshot => ({
  count: cumulative.at(-1) ?? 0,
  sumMs: 0,
  p50Ms: null,
  p90Ms: null,
  cumulative: cumulative.slice(0, BOUNDS.length),
});

describe('a quantile between two snapshots', () => {
  it.each<[now: number[], past: number[] | undefined, share: number, expected: number | undefined]>([
    [[0, 0, 0, 0], undefined, 0.5, undefined],
    [[100, 100, 100, 100], undefined, 0.5, 5],
    [[0, 100, 100, 100], undefined, 0.5, 15],
    [[50, 100, 100, 100], undefined, 0.99, 19.8],
    // What was slow was slow before.
    [[110, 200, 300, 300], [10, 100, 200, 200], 0.99, 9.9],
    [[5, 5, 5, 5], [5, 5, 5, 5], 0.5, undefined],
    // Beyond the last bound nothing more is known.
    [[0, 0, 0, 10], undefined, 0.5, 40],
  ])('%j after %j: %d is %s', (now, past, share, expected) => {
    const value = quantileBetween(histogram(...now), past && histogram(...past), BOUNDS, share);
    if (expected === undefined) expect(value).toBeUndefined();
    else expect(value).toBeCloseTo(expected, 6);
  });
});

describe('the time between two readings', () => {
  let app: WatchedApp;
  beforeEach(async () => {
    app = await WatchedApp.start();
  });
  afterEach(() => app.close());

  /** What the gateway shows, with another figure on the route `search`. */
  const reading = (atMs: number, change: Partial<RouteSnapshot>): Reading => {
    const snapshot = app.gateway.snapshot();
    return { atMs, snapshot: { ...snapshot, routes: snapshot.routes.map((route) => ({ ...route, ...change })) } };
  };

  it('gives rates by what was counted in it', () => {
    const [search] = routeIntervals(
      reading(3_000, { arrived: 150, shed: 30 }),
      reading(1_000, { arrived: 50, shed: 30 }),
    );
    expect(search).toMatchObject({ arrivedPerSecond: 50, shedPerSecond: 0 });
  });

  it('counts from nothing where the process was started again', () => {
    const [search] = routeIntervals(reading(2_000, { arrived: 10 }), reading(1_000, { arrived: 5_000 }));
    expect(search?.arrivedPerSecond).toBe(10);
  });

  it('names below the pools what is at fault, and says nothing of a gateway that does not tell', () => {
    const now = reading(1_000, {});
    const shown = (snapshot: Reading['snapshot']): string[] =>
      viewLines({
        where: 'http://x',
        now: { ...now, snapshot },
        before: undefined,
        sort: 'name',
        columns: 120,
        colours: false,
      });
    const diagnoses = [
      { pool: 'main', fault: 'slow_query', route: 'search', detail: 'look at its plan' },
      { pool: 'other', fault: 'none', detail: 'all is well' },
    ] as const;
    const hog = { route: 'search', pool: 'main', requestShare: 0.03, seatTimeShare: 0.6, meanHoldMs: 900 };
    const lines = shown({ ...now.snapshot, diagnoses, seatHogs: [hog] });
    expect(lines).toContain('main: slow query: look at its plan');
    expect(lines).toContain(
      'main: route "search" holds 60 % of the seats\' time with 3 % of the requests: give it a pool of its own',
    );
    const { diagnoses: _, seatHogs: __, ...old } = now.snapshot;
    expect(shown(old as Reading['snapshot'])).toHaveLength(lines.length - 2);
  });

  it('has no rates before there is a second reading', () => {
    const [search] = routeIntervals(reading(2_000, { arrived: 10 }), undefined);
    expect(search?.arrivedPerSecond).toBeNaN();
  });

  it('puts into brackets what mode observe would have shed', () => {
    const would = {
      ...app.gateway.snapshot().routes[0]?.wouldShedByCode,
      queue_full: 4,
    } as RouteSnapshot['shedByCode'];
    const [search] = routeIntervals(reading(2_000, { wouldShedByCode: would }), reading(1_000, {}));
    expect(search?.mostShedBy).toBe('(queue_full)');
  });

  it('lets no name from the network steer the terminal', () => {
    const now = reading(2_000, { name: 'a\u001b[2Jb\r\n' });
    const lines = viewLines({ where: 'http://x', now, before: undefined, sort: 'name', columns: 120, colours: false });
    expect(lines.join('')).toContain('a?[2Jb??');
    expect(lines.join('')).not.toContain('\u001b');
  });
});
