import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Reading, routeIntervals } from '../../../../src/cli/top/interval.js';
import { viewLines } from '../../../../src/cli/top/view-text.js';
import type { Mode } from '../../../../src/config/options.js';
import { type RouteSnapshot, snapshot } from '../../../../src/telemetry/snapshot.js';
import { exampleSource } from '../../../unit/telemetry/example-source.js';
import { WatchedApp } from './support.js';

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

  it('tells of those that left before their seat, beside what was shed', () => {
    const now = reading(3_000, { arrived: 150, shed: 30, abandonedBeforeAdmission: 41 });
    const before = reading(1_000, { arrived: 50, shed: 30, abandonedBeforeAdmission: 1 });
    expect(routeIntervals(now, before)[0]?.leftPerSecond).toBe(20);
    const view = { where: 'http://x', now, before, sort: 'name', columns: 160, colours: false } as const;
    const [head = '', ...lines] = viewLines(view).slice(viewLines(view).indexOf('routes, by name') + 1);
    const column = head.split(/ {2,}/).indexOf('left/s');
    expect(column).toBe(head.split(/ {2,}/).indexOf('shed/s') + 1);
    const search = lines.find((line) => line.startsWith('search'));
    expect(search?.split(/ {2,}/)[column]).toBe('20');
  });

  it('counts from nothing where the process was started again', () => {
    const [search] = routeIntervals(reading(2_000, { arrived: 10 }), reading(1_000, { arrived: 5_000 }));
    expect(search?.arrivedPerSecond).toBe(10);
  });

  it('names below the pools what is at fault, and says nothing of a gateway that does not tell', () => {
    const now = reading(1_000, {});
    const shown = (snapshot: Reading['snapshot'], columns = 120): string[] =>
      viewLines({
        where: 'http://x',
        now: { ...now, snapshot },
        before: undefined,
        sort: 'name',
        columns,
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
    const unclear = [{ pool: 'main', fault: 'unclear', detail: 'nobody could look' }] as const;
    expect(shown({ ...now.snapshot, diagnoses: unclear }).join()).not.toContain('nobody');
    const pools = snapshot(exampleSource().source).pools.map((pool) => ({ ...pool, name: 'main' }));
    expect(pools.some(({ seats }) => Object.values(seats.queuedByClass).some((count) => count > 0))).toBe(true);
    expect(shown({ ...now.snapshot, pools, diagnoses: unclear })).toContain('main: unclear: nobody could look');
    // What helps is not cut off.
    const narrow = shown({ ...now.snapshot, diagnoses, seatHogs: [hog] }, 60);
    expect(narrow).toContain('main: route "search" holds 60 % of the seats\' time with 3 %');
    expect(narrow).toContain('  of the requests: give it a pool of its own');
    const { diagnoses: _, seatHogs: __, ...old } = now.snapshot;
    expect(shown(old as Reading['snapshot'])).toHaveLength(lines.length - 2);
  });

  it('has times within 5 % of what was measured in it, and none of a gateway that does not tell', () => {
    const { response } = app.gateway.entry('search').runtime.stats;
    for (let count = 0; count < 100; count += 1) response.observe(9_000);
    const before = reading(1_000, {});
    for (let count = 0; count < 100; count += 1) response.observe(1_400);
    const now = reading(2_000, {});
    expect(Math.abs((routeIntervals(now, before)[0]?.responseP99Ms ?? 0) - 1_400)).toBeLessThan(70);
    expect(routeIntervals(now, undefined)[0]?.responseP99Ms).toBeGreaterThan(8_500);
    const { filled: _, ...old } = now.snapshot.routes[0]?.response ?? {};
    const older = reading(2_000, { response: old as RouteSnapshot['response'] });
    expect(routeIntervals(older, before)[0]?.responseP99Ms).toBeUndefined();
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

  it.each([
    [
      'http://127.0.0.1:3000/sluice/snapshot.json',
      80,
      'sluice http://127.0.0.1:3000/sluice   enforce, event loop 1234 ms late',
    ],
    [
      'http://127.0.0.1:3000/sluice/snapshot.json',
      64,
      'sluice 127.0.0.1:3000/sluice   enforce, event loop 1234 ms late',
    ],
    [
      'https://shop.example.org/a/long/way/sluice/snapshot.json',
      60,
      'sluice shop.example.org/…   enforce, event loop 1234 ms late',
    ],
    ['http://127.0.0.1:3000/snapshot.json', 44, 'sluice   enforce, event loop 1234 ms late'],
  ])('has the state of %s whole in its title at %d columns', (where, columns, title) => {
    const now = reading(2_000, {});
    const late = { ...now, snapshot: { ...now.snapshot, eventLoopLagMs: 1_234 } };
    const [head] = viewLines({ where, now: late, before: undefined, sort: 'name', columns, colours: false });
    expect(head).toBe(title);
    expect(title.length).toBeLessThanOrEqual(columns);
  });

  it('lets no name from the network steer the terminal', () => {
    const made = reading(2_000, { name: 'a\u001b[2Jb\r\n' });
    const mode = '\u001b]0;c\u0007' as Mode;
    const now = { ...made, snapshot: { ...made.snapshot, mode } };
    const lines = viewLines({ where: 'http://x', now, before: undefined, sort: 'name', columns: 120, colours: false });
    expect(lines.join('')).toContain('a?[2Jb??');
    expect(lines.join('')).not.toContain('\u001b');
  });
});
