import { describe, expect, test } from 'vitest';
import { PoolBreaker } from '../../../src/breaker/pool-breaker.js';
import type { RouteOptions } from '../../../src/config/options.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { type Call, ShadowWorld, type Visit } from './shadow-world.js';

const ROUTES = {
  checkout: { priority: 'critical', deadlineMs: 500, ratePerSecond: 150, burst: 20 },
  search: { priority: 'normal', deadlineMs: 800, maxQueued: 12 },
  export: { priority: 'low', deadlineMs: 20_000, onDisconnect: 'finish' },
} as const satisfies Record<string, RouteOptions>;

/** Instants and durations that add and subtract without rounding. */
const exact = (ms: number): number => Math.round(ms * 2 ** 20) / 2 ** 20;

/** Three seconds of calm, six of twice or more what fits into ten seats, and calm again. */
function calls(seed: number): Call[] {
  const random = seededRandom(seed);
  const between = (least: number, most: number): number => exact(least + (most - least) * random());
  const serviceOf = ([least, most]: readonly [number, number]): number => between(least, most);
  const made: Call[] = [];
  const plan = [
    { route: 'checkout', calm: 60, surge: 350, serviceMs: [10, 50] },
    { route: 'search', calm: 40, surge: 200, serviceMs: [5, 80] },
    { route: 'export', calm: 2, surge: 12, serviceMs: [100, 900] },
  ] as const;
  for (const { route, calm, surge, serviceMs } of plan) {
    let atMs = 0;
    for (;;) {
      atMs = exact(atMs + (-Math.log(1 - random()) * 1_000) / (atMs > 3_000 && atMs < 9_000 ? surge : calm));
      if (atMs > 12_000) break;
      // Rare work far longer than the deadline allows.
      const service = random() < 0.01 ? between(500, 900) : serviceOf(serviceMs);
      made.push({
        route,
        atMs,
        serviceMs: service,
        tenant: `tenant ${Math.floor(random() ** 2 * 5)}`,
        ...(random() < 0.1 && { seats: 3 }),
        ...(random() < 0.1 && { budgetMs: between(20, 200) }),
        ...(random() < 0.1 && { bodyMs: between(1, 600) }),
        // Gone while its own work runs, so that it is gone in both worlds.
        ...(random() < 0.05 && { leavesMs: exact(service * random()) }),
      });
    }
  }
  return made.toSorted((one, other) => one.atMs - other.atMs);
}

/** The same calls in one mode, with an outage of the server in between. */
function live(mode: 'enforce' | 'observe', seed: number): ShadowWorld {
  const world = new ShadowWorld(mode, 10, ROUTES).expect(calls(seed));
  world.clock.input(exact(7_000.3), () => world.gate.down(world.clock.nowMs()));
  world.clock.input(exact(7_400.7), () => world.gate.up(world.clock.nowMs()));
  world.clock.runUntil(60_000);
  return world;
}

describe.each([1, 2, 3])('the same arrivals, enforced upon and observed (seed %i)', (seed) => {
  const enforced = live('enforce', seed);
  const observed = live('observe', seed);

  test('every request has the same fate: the same code, the same wait', () => {
    expect(observed.visits.map(({ fate }) => fate)).toEqual(enforced.visits.map(({ fate }) => fate));
  });

  test('and there is something to decide', () => {
    const fates = new Set(enforced.visits.map(({ fate }) => (typeof fate === 'number' ? fate > 0 : fate)));
    const all = ['rate_limited', 'queue_full', 'deadline_unreachable', 'deadline_expired', 'left'];
    expect([...fates]).toEqual(expect.arrayContaining([true, false, ...all]));
  });

  test('the counters agree', () => {
    for (const route of Object.keys(ROUTES)) {
      const { stats: was } = enforced.runtime(route);
      const { stats: would } = observed.runtime(route);
      const { deadline_expired: late } = was.errorsByCode;
      expect(would.wouldShedByCode).toEqual({
        ...was.shedByCode,
        deadline_expired: was.shedByCode.deadline_expired + late,
      });
      expect(would.wouldWait.cumulative()).toEqual(was.queueWait.cumulative());
      expect(would.shed).toBe(0);
      expect(would.queueWait.sumMs).toBe(0);
    }
  });

  test('what is known of the services is the same', () => {
    for (const route of Object.keys(ROUTES)) {
      const known = (world: ShadowWorld): number[] => {
        const { times } = world.runtime(route);
        const nowMs = world.clock.nowMs();
        return [times.samples, times.p50(nowMs), times.p90(nowMs), times.meanMs(nowMs)];
      };
      expect(known(observed)).toEqual(known(enforced));
    }
  });

  test('nothing of a shadow is left', () => {
    expect(observed.gate.bulkhead.inFlight).toBe(0);
    expect(observed.gate.bulkhead.queued).toBe(0);
    expect(observed.timer.size).toBe(0);
  });

  test('while the requests themselves all run, at once', () => {
    for (const { answeredAtMs, call } of observed.visits) {
      const { atMs, bodyMs = 0, serviceMs, leavesMs } = call;
      if (leavesMs === undefined) expect(answeredAtMs).toBe(atMs + bodyMs + serviceMs);
    }
  });
});

describe('one seat', () => {
  const one = (mode: 'enforce' | 'observe' | 'off' = 'observe', more: RouteOptions = {}): ShadowWorld =>
    new ShadowWorld(mode, 1, { work: { deadlineMs: 400, ...more } });
  const fates = (world: ShadowWorld): unknown[] => world.visits.map(({ work }) => work.shadow?.fate);

  test('the shadow holds its seat for as long as the work took, from when it would have had one', () => {
    const world = one().expect([
      { route: 'work', atMs: 0, serviceMs: 50 },
      { route: 'work', atMs: 10, serviceMs: 20 },
      { route: 'work', atMs: 65, serviceMs: 5 },
    ]);
    world.clock.runUntil(31);
    // The second has run; its shadow has not begun.
    expect(world.visits[1]?.answeredAtMs).toBe(30);
    expect(fates(world)).toEqual([
      { kind: 'admit', waitMs: 0 },
      { kind: 'queued', predictedWaitMs: 0 },
    ]);
    expect(world.gate.bulkhead.inFlight).toBe(1);
    world.clock.runUntil(69);
    expect(world.gate.bulkhead.queued).toBe(1);
    world.clock.runUntil(70);
    expect(fates(world)).toEqual([
      { kind: 'admit', waitMs: 0 },
      { kind: 'admit', waitMs: 40 },
      { kind: 'admit', waitMs: 5 },
    ]);
    world.clock.runUntil(75);
    expect(world.gate.bulkhead.inFlight).toBe(0);
    expect(world.runtime('work').stats.wouldWait).toMatchObject({ count: 3, sumMs: 45 });
    expect(world.runtime('work').stats.queueWait).toMatchObject({ count: 3, sumMs: 0 });
  });

  test('a wait is predicted from the work that is queued', () => {
    const world = one().expect([
      { route: 'work', atMs: 0, serviceMs: 40 },
      { route: 'work', atMs: 100, serviceMs: 40 },
      { route: 'work', atMs: 101, serviceMs: 40 },
      { route: 'work', atMs: 102, serviceMs: 40 },
    ]);
    world.clock.runUntil(103);
    const [, , third, fourth] = world.visits;
    const { fate } = third?.work.shadow ?? {};
    const onceMs = fate?.kind === 'queued' ? fate.predictedWaitMs : Number.NaN;
    // With one sample, much of the expectation is still the one of nothing known.
    expect(onceMs).toBeGreaterThan(5);
    expect(onceMs).toBeLessThan(50);
    expect(fourth?.work.shadow?.fate).toEqual({ kind: 'queued', predictedWaitMs: 2 * onceMs });
  });

  test('work past its deadline goes on, and its shadow frees the seat', () => {
    const usual = Array.from({ length: 20 }, (_, index) => ({ route: 'work', atMs: 20 * index, serviceMs: 10 }));
    const world = one().expect([
      ...usual,
      { route: 'work', atMs: 1_000, serviceMs: 1_000 },
      { route: 'work', atMs: 1_390, serviceMs: 10 },
    ]);
    world.clock.runUntil(1_401);
    expect(fates(world).slice(20)).toEqual([
      { kind: 'shed', code: 'deadline_expired' },
      { kind: 'admit', waitMs: 10 },
    ]);
    world.clock.runUntil(3_000);
    expect(world.visits[20]?.answeredAtMs).toBe(2_000);
    expect(world.runtime('work').times.samples).toBe(22);
    expect(world.runtime('work').stats.outcomes).toMatchObject({ succeeded: 22, expired: 0 });
  });

  test('a wait for a connection is no service: not of the estimates, and not of the seat', () => {
    const world = one().expect([
      { route: 'work', atMs: 0, serviceMs: 20 },
      { route: 'work', atMs: 100, serviceMs: 20, connectMs: 900 },
      { route: 'work', atMs: 130, serviceMs: 20 },
    ]);
    world.clock.runUntil(140);
    expect(fates(world).at(-1)).toEqual({ kind: 'admit', waitMs: 0 });
    world.clock.runUntil(2_000);
    const { times, stats } = world.runtime('work');
    expect(times.samples).toBe(3);
    expect(times.p90(2_000)).toBeLessThan(25);
    expect(stats.seatHold.sumMs).toBe(60);
    expect(stats.wouldShedByCode.deadline_expired).toBe(0);
  });

  test('work that fell behind its shadow is late only by its own service', () => {
    const world = one().expect([
      { route: 'work', atMs: 0, serviceMs: 20 },
      { route: 'work', atMs: 100, serviceMs: 500, connectMs: 50 },
    ]);
    world.clock.runUntil(200);
    expect(world.gate.bulkhead.inFlight).toBe(0);
    const admitted = { kind: 'admit', waitMs: 0 };
    const late = { kind: 'shed', code: 'deadline_expired' };
    const { shadow } = world.visits[1]?.work ?? {};
    // Served since 150, in a shadow that had its seat at 100 and its deadline at 500.
    world.clock.runUntil(549);
    expect(shadow?.fateAt(549)).toEqual(admitted);
    // What an answer says is not behind what it will be counted as.
    world.clock.runUntil(551);
    expect([shadow?.fateAt(551), shadow?.fate]).toEqual([late, admitted]);
    expect(world.runtime('work').stats.wouldShedByCode.deadline_expired).toBe(0);
    world.clock.runUntil(2_000);
    expect([shadow?.fateAt(2_000), shadow?.fate]).toEqual([late, late]);
    expect(world.runtime('work').stats.wouldShedByCode.deadline_expired).toBe(1);
  });

  test('a shadow that is shed leaves no trace in the bucket', () => {
    const limited: RouteOptions = { ratePerSecond: 1e-3, burst: 2 };
    const world = one('observe', limited).expect([
      { route: 'work', atMs: 0, serviceMs: 300 },
      // Queued with the second token until it cannot be done in time any more.
      { route: 'work', atMs: 10, serviceMs: 1, budgetMs: 100 },
      { route: 'work', atMs: 310, serviceMs: 1 },
      { route: 'work', atMs: 320, serviceMs: 1 },
    ]);
    world.clock.runUntil(600);
    expect(world.visits.map(({ fate }) => fate)).toEqual([0, 'deadline_expired', 0, 'rate_limited']);
  });

  test('a budget that is over on arrival is counted', () => {
    const world = one().expect([{ route: 'work', atMs: 0, serviceMs: 1, budgetMs: 0 }]);
    world.clock.runUntil(10);
    expect(world.runtime('work').stats).toMatchObject({ admitted: 1, ended: 1, shed: 0 });
    expect(world.runtime('work').stats.wouldShedByCode.deadline_unreachable).toBe(1);
  });

  test('what the breaker would not have seen it does not hear of', () => {
    const world = one('observe', { maxQueued: 0 });
    const breaker = new PoolBreaker({
      name: 'main',
      errorPercent: 50,
      slowPercent: 50,
      minimumCalls: 3,
      windowMs: 10_000,
      resetMs: 500,
      rampMs: 0,
      shadow: true,
      random: () => 0.5,
      clock: world.clock,
    });
    const calls = (visit: Visit, times: number): void => {
      for (let time = 0; time < times; time++) visit.work.shadow?.enterBreaker(breaker, 0).settle('failure', 0);
    };
    const seated = world.arrive({ route: 'work', atMs: 0, serviceMs: 50 });
    const shed = world.arrive({ route: 'work', atMs: 0, serviceMs: 50 });
    calls(shed, 10);
    expect(shed.fate).toBe('queue_full');
    expect(breaker.statistics(0).calls).toBe(0);
    calls(seated, 2);
    expect(breaker.state).toBe('closed');
    calls(seated, 1);
    expect(breaker.state).toBe('open');
    // The next call would have been refused.
    calls(seated, 1);
    expect(seated.fate).toBe('breaker_open');
    expect(world.gate.bulkhead.inFlight).toBe(0);
    breaker.shutdown();
  });

  test('what the event-loop guard would shed is counted', () => {
    const world = new ShadowWorld('observe', 1, { work: { priority: 'low' } }, 20);
    world.clock.input(100, () => {
      world.clock.spend(1_000);
      world.arrive({ route: 'work', atMs: 1_100, serviceMs: 5 });
    });
    world.clock.runUntil(2_000);
    expect(world.visits[0]).toMatchObject({ fate: 'overloaded', answeredAtMs: 1_105 });
  });

  test('seats that are given back early are free early, also when that was before the shadow had them', () => {
    const world = new ShadowWorld('observe', 3, { work: { deadlineMs: 10_000 } });
    const first = world.arrive({ route: 'work', atMs: 0, serviceMs: 100, seats: 3 });
    world.clock.runUntil(10);
    const second = world.arrive({ route: 'work', atMs: 10, serviceMs: 100, seats: 3 });
    second.work.handler.giveBack(1);
    world.clock.runUntil(40);
    expect(world.gate.bulkhead.inFlight).toBe(3);
    first.work.handler.giveBack(2);
    expect(world.gate.bulkhead.inFlight).toBe(1);
    world.clock.runUntil(101);
    expect(second.fate).toBe(90);
    expect(world.gate.bulkhead.inFlight).toBe(2);
    world.clock.runUntil(200);
    expect(world.gate.bulkhead.inFlight).toBe(0);
  });

  test('mode off has no shadow', () => {
    const world = one('off', { ratePerSecond: 1e-3, burst: 1 }).expect([
      { route: 'work', atMs: 0, serviceMs: 50 },
      { route: 'work', atMs: 10, serviceMs: 500 },
    ]);
    world.clock.runUntil(20);
    expect(world.gate.bulkhead.inFlight + world.gate.bulkhead.queued).toBe(0);
    world.clock.runUntil(600);
    const { times, stats, rate } = world.runtime('work');
    expect(fates(world)).toEqual([undefined, undefined]);
    expect([times.samples, stats.wouldWait.count, stats.ended]).toEqual([0, 0, 2]);
    expect(rate?.endpointLevel(600)?.remaining).toBe(1);
  });
});

test('what the event loop stalls while a request waits for a connection is taken off nothing it was served', () => {
  const world = new ShadowWorld('observe', 1, { work: { deadlineMs: 5_000 } }).withConnections(1);
  const tookMs: number[] = [];
  const tuning = { ended: (_nowMs: number, _route: string, ms: number) => tookMs.push(ms) };
  Object.assign(world.runtime('work'), { pool: { tuning } });
  world.expect([
    { route: 'work', atMs: 0, serviceMs: 500 },
    { route: 'work', atMs: 1, serviceMs: 40 },
  ]);
  world.clock.input(100, () => world.clock.spend(80));
  world.clock.runUntil(2_000);
  expect(tookMs).toHaveLength(2);
  expect(tookMs[1]).toBeGreaterThanOrEqual(40);
});
