import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/cli/simulator-settings.js';
import type { Scenario, Stream } from '../../../src/simulator/scenario.js';
import { evenly, gateway, tell, world } from './small-worlds.js';

describe('a world that can be worked out by hand', () => {
  it('serves everybody who comes when a seat is free', () => {
    const { total } = tell(world([evenly(100, 50)]), gateway(1)).whole;
    expect(total).toMatchObject({
      offered: 99,
      good: 99,
      successPercent: 100,
      ceilingPercent: 100,
      usefulPercent: 100,
    });
    expect(total.latencyMs.p99Ms).toBeCloseTo(50, 0);
  });

  it('queues the second of two that come at once', () => {
    const { whole, report } = tell(world([evenly(100, 40), evenly(100, 40, { name: 'twin' })]), gateway(1));
    expect(whole.total).toMatchObject({ offered: 198, good: 198 });
    expect(whole.total.latencyMs.p50Ms).toBeCloseTo(40, 0);
    expect(whole.total.latencyMs.p99Ms).toBeCloseTo(80, 0);
    expect(report.pools[0]?.longestQueue).toBe(1);
  });

  it('cuts work short at its deadline, or lets it run on for nobody', () => {
    const slow = evenly(2_000, 2_500);
    const cut = tell(world([slow]), gateway(1)).whole.total;
    expect(cut).toMatchObject({ offered: 4, good: 0, late: 4, usefulPercent: 0, ceilingPercent: 0 });
    const on = tell(world([slow], { cancelAtDeadline: false }), gateway(1)).whole.total;
    expect(on.late).toBeLessThan(4);
  });

  it('counts by arrival, after the warm-up and in windows', () => {
    const windows = [{ name: 'second', fromMs: 5_000, untilMs: 6_000 }];
    const { report } = tell(world([evenly(100, 50)], { warmUpMs: 2_050, windows }), gateway(1));
    expect(report.windows.map(({ name, total }) => [name, total.offered])).toEqual([
      ['all', 79],
      ['second', 10],
    ]);
    expect(report.calls).toBeGreaterThanOrEqual(99);
  });
});

describe('the bound of a pool by count', () => {
  it('sheds who comes when so many wait, whatever its route may queue', () => {
    const { pools, routes } = gateway(1);
    const three = ['a', 'b', 'c'].map((name) => evenly(200, 40, { name }));
    const settings = { pools: pools.map((pool) => ({ ...pool, maxQueued: 1 })), routes };
    const { total } = tell(world(three), settings).whole;
    expect(total).toMatchObject({ offered: 147, good: 98, shedBy: { queue_full: { count: 49 } } });
  });

  it('is taken from the configuration', () => {
    const options = { pools: { main: {} }, routes: { work: { pool: 'main' } } };
    expect(settingsOf(options, { SLUICE_POOL_MAIN_MAX_QUEUED: '7' }).pools[0]?.maxQueued).toBe(7);
    expect(settingsOf(options, {}).pools[0]?.maxQueued).toBe(10_000);
  });
});

describe('requests that ask for more seats than there are', () => {
  const vast = evenly(50, 100, { cost: { kind: 'constant', ms: 1e6 } });

  it('hold no more than there are', () => {
    const { total } = tell(world([vast]), gateway(4, { rank: 2 })).whole;
    const all = tell(world([{ ...vast, cost: { kind: 'constant', ms: 4 } }]), gateway(4, { rank: 2 })).whole.total;
    expect(total).toEqual(all);
  });

  it('have no more than all of the seats while they always wait', () => {
    const { report } = tell(world([vast]), gateway(4, { rank: 2, deadlineMs: 60_000 }));
    const shares = report.pools[0]?.shares.find((share) => share.class === 'normal');
    expect(shares?.mean).toBeGreaterThan(0.9);
    expect(shares?.mean).toBeLessThanOrEqual(1.000001);
  });
});

describe('what a request is charged', () => {
  it('is given back when it is shed from the queue', () => {
    // Nobody gets a seat, so everybody expires in the queue; one token is all there ever is.
    const settings = gateway(0, { deadlineMs: 100, ratePerSecond: 0.001, burst: 1 });
    const { total } = tell(world([evenly(1_000, 10)]), settings).whole;
    expect(total.shedBy).toEqual({ deadline_expired: expect.objectContaining({ count: 9 }) });
  });

  it('is given back when its client leaves the queue', () => {
    const leaving = evenly(1_000, 10, { disconnects: { share: 1, after: { kind: 'constant', ms: 50 } } });
    const settings = gateway(0, { deadlineMs: 100, ratePerSecond: 0.001, burst: 1 });
    expect(tell(world([leaving]), settings).whole.total).toMatchObject({ left: 9, shed: { count: 0 } });
  });
});

describe('what befalls a gateway', () => {
  it('has other seats for a time', () => {
    const events: Scenario['events'] = [{ kind: 'capacity', atMs: 3_000, forMs: 2_000, pool: 'main', seats: 1 }];
    const windows = ['before', 'fewer', 'after'].map((name, place) => ({
      name,
      fromMs: [1_000, 3_200, 5_200][place] ?? 0,
      untilMs: [3_000, 5_000, 9_000][place] ?? 0,
    }));
    const { report } = tell(world([evenly(10, 18)], { events, windows }), gateway(2));
    const good = report.windows.map(({ total }) => total.goodPerSecond);
    expect(good[1]).toBeGreaterThan(99);
    // 55 a second, and some that were still queued when the seat came back.
    expect(good[2]).toBeLessThan(70);
    expect(good[2]).toBeGreaterThan(50);
    expect(good[3]).toBeGreaterThan(99);
  });

  it('is slower for a time, evenly more so on a ramp', () => {
    const slow = (toFactor?: number): (number | null)[] => {
      const events: Scenario['events'] = [
        { kind: 'slowdown', atMs: 2_000, forMs: 4_000, pool: 'main', factor: 2, toFactor },
      ];
      const windows = [1_500, 3_900, 7_000].map((fromMs) => ({ name: `${fromMs}`, fromMs, untilMs: fromMs + 200 }));
      const { report } = tell(world([evenly(200, 50)], { events, windows }), gateway(1));
      return report.windows
        .slice(1)
        .map(({ total }) => total.latencyMs.p50Ms && Math.round(total.latencyMs.p50Ms / 10));
    };
    expect(slow()).toEqual([5, 10, 5]);
    expect(slow(4)).toEqual([5, 15, 5]);
  });

  it('loses what is in flight when its server is lost, and refuses after the time that is waited out', () => {
    const events: Scenario['events'] = [{ kind: 'outage', atMs: 2_030, forMs: 4_000, pool: 'main' }];
    const { total } = tell(world([evenly(100, 50)], { events }), gateway(1)).whole;
    expect(total.lost).toBe(1);
    expect(total.shedBy.database_unavailable?.count).toBeGreaterThan(15);
    expect(total.good + total.lost + total.shed.count).toBe(total.offered);
    // Those who come while 2 s are waited out and have that long are served after it; nobody has, with a second.
    const patient = tell(
      world([evenly(100, 50)], { events: [{ ...events[0], forMs: 1_000 } as never] }),
      gateway(1, { deadlineMs: 5_000 }),
    );
    expect(patient.whole.total).toMatchObject({ lost: 1, late: 0, shed: { count: 0 } });
    expect(patient.whole.total.latencyMs.p99Ms).toBeGreaterThan(900);
  });

  it('sees what came while its event loop was blocked at the end of the block', () => {
    const events: Scenario['events'] = [{ kind: 'loopBlock', atMs: 2_000, forMs: 500, everyMs: 4_000 }];
    const { total } = tell(world([evenly(100, 50)], { events }), gateway(4)).whole;
    expect(total.good).toBe(total.offered);
    // From the first instant of the block to its end, then the work.
    expect(total.latencyMs.p99Ms).toBeGreaterThan(500);
    expect(total.latencyMs.p99Ms).toBeLessThan(620);
    expect(total.latencyMs.p50Ms).toBeCloseTo(50, 0);
  });

  it('has another rate from an instant on', () => {
    const events: Scenario['events'] = [
      { kind: 'config', atMs: 5_000, routes: { work: { ratePerSecond: 2, burst: 1 } } },
    ];
    const windows = [
      { name: 'before', fromMs: 0, untilMs: 5_000 },
      { name: 'after', fromMs: 6_000, untilMs: 10_000 },
    ];
    const { report } = tell(world([evenly(100, 1)], { events, windows }), gateway(1, { ratePerSecond: 5, burst: 5 }));
    const [, before, after] = report.windows;
    // Five at once, then five a second.
    expect(before?.total.good).toBe(29);
    expect(after?.total.good).toBe(8);
    expect(after?.total.shedBy.rate_limited?.count).toBe(32);
  });
});

describe('what clients do', () => {
  it('go away, from the queue and from their work', () => {
    const leaving = evenly(100, 90, { disconnects: { share: 1, after: { kind: 'constant', ms: 50 } } });
    expect(tell(world([leaving]), gateway(1)).whole.total).toMatchObject({ left: 99, good: 0, usefulPercent: 0 });
    const finishing = tell(world([leaving]), gateway(1, { cancelOnDisconnect: false })).whole.total;
    expect(finishing).toMatchObject({ left: 0, good: 99 });
  });

  it('try again, as often as they may', () => {
    const retries = { attempts: 3, backoffMs: 1, factor: 1, jitter: 0, honourRetryAfter: false };
    const { total } = tell(
      world([evenly(1_000, 10, { retries })]),
      gateway(0, { deadlineMs: 100, expectedMs: 10 }),
    ).whole;
    expect(total).toMatchObject({ offered: 27, good: 0 });
    expect(total.shed.count).toBe(27);
  });

  it('try again until they are served', () => {
    const retries = { attempts: 2, backoffMs: 500, factor: 1, jitter: 0, honourRetryAfter: false };
    const limited = gateway(1, { ratePerSecond: 1, burst: 1 });
    const { total } = tell(world([evenly(1_000, 10), evenly(1_000, 10, { name: 'again', retries })]), limited).whole;
    expect(total.servedPercent).toBeGreaterThan(total.successPercent);
  });

  it('wait as long as they are told, where they honour it', () => {
    const retries = { attempts: 2, backoffMs: 1, factor: 1, jitter: 0, honourRetryAfter: true };
    const streams = [evenly(5_000, 10), evenly(5_000, 10, { name: 'again', retries })];
    const { total } = tell(world(streams), gateway(1, { ratePerSecond: 1, burst: 1 })).whole;
    expect(total).toMatchObject({ offered: 3, good: 2 });
  });

  it('name less time than the route gives', () => {
    const hurried = evenly(100, 50, { budget: { kind: 'constant', ms: 20 } });
    expect(tell(world([hurried]), gateway(1)).whole.total).toMatchObject({ good: 0, ceilingPercent: 0 });
  });

  it('read slowly, which holds a seat only where they say so', () => {
    const time = { kind: 'constant', ms: 500 } as const;
    const read = (holdsSeat: boolean): number | null =>
      tell(world([evenly(100, 50, { reading: { time, holdsSeat } })]), gateway(1)).whole.total.successPercent;
    expect(read(false)).toBe(100);
    expect(read(true)).toBeLessThan(40);
  });

  it('are no less fair for work of a tenant that is stopped at its deadline: nobody could have had more', () => {
    const slow = evenly(2_000, 3_000, { name: 'slow', tenants: [{ key: 'slow', weight: 1, count: 1, fresh: false }] });
    const quick = evenly(100, 80, { tenants: [{ key: 'quick', weight: 1, count: 1, fresh: false }] });
    expect(tell(world([slow, quick]), gateway(9)).report.tenants[0]).toMatchObject({ tenants: 2, fairnessMargin: 0 });
  });

  it('are judged by the classes of their own pool: another pool is not theirs to have more of', () => {
    const settings = gateway(10, { rank: 3 });
    const [main] = settings.pools;
    const [work] = settings.routes;
    if (main === undefined || work === undefined) throw new RangeError('a gateway has a pool and a route');
    const apart = {
      pools: [main, { ...main, name: 'reports', seats: 2 }],
      routes: [work, { ...work, name: 'report', pool: 'reports', rank: 1 as const }],
    };
    const { whole } = tell(world([evenly(10, 50), evenly(8, 50, { route: 'report' })]), apart);
    expect(whole.routes.map(({ name, successPercent }) => [name, successPercent > 90])).toEqual([
      ['work', true],
      ['report', false],
    ]);
    expect(whole.fairnessMargin).toBeLessThan(0.01);
  });

  it('ask for what their work takes where something slows it down', () => {
    const events = [{ kind: 'slowdown', atMs: 0, forMs: 10_000, pool: 'main', factor: 3 }] as const;
    const { total, fairnessMargin } = tell(world([evenly(50, 20)], { events }), gateway(10, { rank: 2 })).whole;
    expect([total.successPercent, fairnessMargin]).toEqual([100, 0]);
  });

  it('are many tenants, by weight', () => {
    const tenants: Stream['tenants'] = [
      { key: 'loud', count: 1, weight: 8, fresh: false },
      { key: 'quiet', count: 2, weight: 1, fresh: false },
    ];
    const { report } = tell(world([evenly(2, 1, { tenants })]), gateway(10));
    expect(report.tenants[0]).toMatchObject({
      route: 'work',
      tenants: 3,
      greatest: { name: 'loud' },
      fairnessMargin: 0,
    });
    const invented = tell(
      world([evenly(10, 1, { tenants: [{ key: 'bot', count: 1, weight: 1, fresh: true }] })]),
      gateway(10),
    );
    expect(invented.report.tenants[0]?.tenants).toBe(999);
  });
});

describe('what work is', () => {
  it('takes what is expected of the route, or 50 ms, where the scenario does not say', () => {
    const silent: Stream = { route: 'work', arrivals: 'even', rate: [{ perSecond: 200 }] };
    const p50 = (expectedMs?: number): number | null =>
      tell(world([silent]), gateway(1_000, { expectedMs })).whole.total.latencyMs.p50Ms;
    expect(Math.abs((p50() ?? 0) - 50 * Math.LN2)).toBeLessThan(3);
    expect(Math.abs((p50(10) ?? 0) - 10 * Math.LN2)).toBeLessThan(1);
  });

  it('waits in line for a lock', () => {
    const lock = { name: 'row', hold: { kind: 'constant', ms: 100 }, costPerWaiter: 0 } as const;
    const { total } = tell(
      world([evenly(1_000, 10, { lock }), evenly(1_000, 10, { name: 'twin', lock })]),
      gateway(5),
    ).whole;
    expect(total.good).toBe(18);
    expect(total.latencyMs.p50Ms).toBeCloseTo(110, -1);
    expect(total.latencyMs.p99Ms).toBeCloseTo(210, -1);
  });

  it('holds the lock longer the more wait for it', () => {
    const lock = { name: 'row', hold: { kind: 'constant', ms: 100 }, costPerWaiter: 1 } as const;
    const { total } = tell(
      world([evenly(1_000, 10, { lock }), evenly(1_000, 10, { name: 'twin', lock })]),
      gateway(5),
    ).whole;
    // The first asks alone, the second waits for nothing else: nobody waits when a hold begins.
    expect(total.latencyMs.p99Ms).toBeCloseTo(210, -1);
    const three = [1, 2, 3].map((name) => evenly(1_000, 10, { name: `${name}`, lock }));
    expect(tell(world(three), gateway(5)).whole.total.latencyMs.p99Ms).toBeCloseTo(410, -1);
  });

  it('takes as many seats as it costs', () => {
    const wide = evenly(100, 90, { cost: { kind: 'constant', ms: 2 } });
    const beside = evenly(100, 90, { name: 'beside' });
    expect(tell(world([wide, beside]), gateway(3)).report.pools[0]?.longestQueue).toBe(0);
    expect(tell(world([wide, beside]), gateway(2)).report.pools[0]?.longestQueue).toBeGreaterThan(0);
  });
});

describe('in any world', () => {
  const stream = fc.record({
    arrivals: fc.constantFrom('poisson' as const, 'even' as const),
    rate: fc.integer({ min: 1, max: 400 }).map((perSecond) => [{ perSecond }]),
    service: fc.integer({ min: 1, max: 300 }).map((meanMs) => ({ kind: 'exponential' as const, meanMs })),
    disconnects: fc.option(fc.constant({ share: 0.3, after: { kind: 'exponential' as const, meanMs: 100 } }), {
      nil: undefined,
    }),
    retries: fc.option(fc.constant({ attempts: 3, backoffMs: 50, factor: 2, jitter: 0.5, honourRetryAfter: false }), {
      nil: undefined,
    }),
    lock: fc.option(
      fc.constant({ name: 'row', hold: { kind: 'exponential' as const, meanMs: 5 }, costPerWaiter: 0.1 }),
      { nil: undefined },
    ),
    cost: fc.option(fc.constant({ kind: 'bimodal' as const, fastMs: 1, slowMs: 3, slowShare: 0.2 }), {
      nil: undefined,
    }),
    route: fc.constantFrom('work', 'low'),
  });
  const befalls = fc.constantFrom<Scenario['events']>(
    [],
    [{ kind: 'outage', atMs: 500, forMs: 800, pool: 'main' }],
    [{ kind: 'loopBlock', atMs: 300, forMs: 200, everyMs: 700 }],
    [{ kind: 'capacity', atMs: 500, forMs: 500, pool: 'main', seats: 1 }],
  );
  const low = { ...gateway(1).routes[0], name: 'low', rank: 3, deadlineMs: 2_000 } as never;

  it('every request ends exactly once, and the same seed tells the same tale', () => {
    fc.assert(
      fc.property(
        fc.array(stream, { minLength: 1, maxLength: 3 }),
        befalls,
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        fc.nat(1_000),
        (streams, events, seats, cancelAtDeadline, seed) => {
          const scenario = world(streams, { durationMs: 2_000, seeds: [seed], events, cancelAtDeadline });
          const { report, whole } = tell(scenario, gateway(seats, {}, [low]));
          for (const { offered, good, late, left, lost, shed } of whole.routes) {
            expect(good + late + left + lost + shed.count).toBe(offered);
          }
          expect(JSON.stringify(tell(scenario, gateway(seats, {}, [low])).report)).toBe(JSON.stringify(report));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('another seed tells another tale', () => {
    const scenario = world([evenly(20, 10, { arrivals: 'poisson' })]);
    const [one, other] = [[1], [2]].map((seeds) =>
      JSON.stringify(tell({ ...scenario, seeds }, gateway(1)).whole.total),
    );
    expect(one).not.toBe(other);
  });
});
