import { afterEach, describe, expect, test } from 'vitest';
import { type BreakerPass, type BreakerState, PoolBreaker, type Verdict } from '../../../src/breaker/pool-breaker.js';
import { PRIORITY_RANKS, type PriorityRank } from '../../../src/core/priority.js';
import { ManualClock } from './manual-clock.js';

const RESET_MS = 500;
const STEP_MS = 1_000;
const CRITICAL = 0;
const HIGH = 1;
const NORMAL = 2;
const LOW = 3;

const breakers: PoolBreaker[] = [];
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.shutdown();
});

/** A circuit that has just become half-open. */
function setUp({ rampMs = STEP_MS } = {}) {
  const clock = new ManualClock();
  const changes: BreakerState[] = [];
  const breaker = new PoolBreaker({
    name: 'checkout',
    errorPercent: 50,
    slowPercent: 50,
    minimumCalls: 20,
    windowMs: 5_000,
    resetMs: RESET_MS,
    rampMs,
    random: () => 0.5,
    clock,
    onChange: (state) => changes.push(state),
  });
  breakers.push(breaker);
  for (let call = 0; call < 20; call++) breaker.enter(clock.nowMs(), clock.nowMs() + 500, CRITICAL)?.settle('failure');
  clock.advance(RESET_MS);
  expect(breaker.state).toBe('half_open');
  /** A request as it comes to the breaker: at preflight, and with its first statement. */
  const request = (rank: PriorityRank, leaseMs = 800): BreakerPass | undefined => {
    if (breaker.refuses(clock.nowMs(), rank)) return undefined;
    return breaker.enter(clock.nowMs(), clock.nowMs() + leaseMs, rank);
  };
  const probe = (verdict: Verdict = 'success', rank: PriorityRank = CRITICAL): void => {
    const pass = request(rank);
    if (pass === undefined) throw new Error('no place for a probe');
    pass.settle(verdict, clock.nowMs());
  };
  const owed = [0.5, 0.5, 0.5, 0.5];
  /** Requests of each class come evenly for so long, and those let through end with this verdict at once. */
  const load = (perSecond: readonly number[], ms: number, verdict: Verdict = 'success'): number[] => {
    const through = [0, 0, 0, 0];
    for (let tick = 0; tick < ms; tick++) {
      clock.advance(1);
      for (const rank of PRIORITY_RANKS) {
        owed[rank] = (owed[rank] ?? 0) + (perSecond[rank] ?? 0) / 1_000;
        while ((owed[rank] ?? 0) >= 1) {
          owed[rank] = (owed[rank] ?? 0) - 1;
          const pass = request(rank);
          if (pass !== undefined) through[rank] = (through[rank] ?? 0) + 1;
          pass?.settle(verdict, clock.nowMs());
        }
      }
    }
    return through;
  };
  return { clock, breaker, changes, request, probe, load };
}

describe('the place of the probe', () => {
  test('goes to the most important class that asks', () => {
    const { clock, breaker, request } = setUp();
    const first = request(CRITICAL);
    expect(first).toBeDefined();
    first?.settle('neutral');
    // The top class has just asked, so the place is left to it.
    for (const rank of [HIGH, NORMAL, LOW] as const) expect(request(rank)).toBeUndefined();
    expect(breaker.retryAfterMs(clock.nowMs(), LOW)).toBe(RESET_MS);
    expect(request(CRITICAL)).toBeDefined();
  });

  test.each(PRIORITY_RANKS)('goes to class %d when nobody more important wants it', (rank) => {
    const { request } = setUp();
    expect(request(rank)).toBeDefined();
  });

  test('is not left to a class that asked for it long ago, or that asks and never proves anything', () => {
    const { clock, request, probe } = setUp();
    request(CRITICAL)?.settle('neutral');
    clock.advance(2 * RESET_MS - 1);
    expect(request(LOW)).toBeUndefined();
    request(CRITICAL)?.settle('neutral');
    clock.advance(1);
    probe('success', LOW);
  });

  test('is kept for the request that was let through, and for a moment only', () => {
    const { clock, breaker } = setUp();
    expect(breaker.refuses(clock.nowMs(), HIGH)).toBe(false);
    expect(breaker.refuses(clock.nowMs(), CRITICAL)).toBe(true);
    expect(breaker.retryAfterMs(clock.nowMs(), CRITICAL)).toBe(100);
    expect(breaker.enter(clock.nowMs(), Infinity, LOW)).toBeUndefined();
    // It never comes: its body was bad, or its client left.
    clock.advance(100);
    expect(breaker.refuses(clock.nowMs(), CRITICAL)).toBe(false);
    expect(breaker.enter(clock.nowMs(), Infinity, CRITICAL)).toBeDefined();
  });

  test('property of the lease: whatever probes do or fail to do, there is a place again within 30 s', () => {
    const { clock, breaker, request } = setUp();
    for (let round = 0; round < 50; round++) {
      // Every kind of bad end: never settled, never entered, entered without a deadline.
      if (round % 3 === 0) request(LOW, 1_000);
      else if (round % 3 === 1) breaker.refuses(clock.nowMs(), CRITICAL);
      else request(CRITICAL, Infinity);
      clock.advance(30_000);
      expect(breaker.refuses(clock.nowMs(), LOW)).toBe(false);
      clock.advance(100);
    }
    expect(breaker.state).toBe('half_open');
  });
});

describe('the ramp', () => {
  test('begins with the first good probe, and does not close the circuit', () => {
    const { breaker, probe, changes } = setUp();
    probe();
    expect([breaker.state, breaker.share]).toEqual(['half_open', 0.05]);
    expect(changes).toEqual(['open', 'half_open']);
  });

  test('lets a twentieth through, and twice as much after each good step', () => {
    const { clock, breaker, probe, load, changes } = setUp();
    probe();
    // 18 a second are too few for a quick step.
    const steps: [share: number, ms: number, through: number][] = [];
    while (breaker.state === 'half_open') {
      const { share } = breaker;
      const from = clock.nowMs();
      let through = 0;
      while (breaker.share === share) through += load([18], 1)[CRITICAL] ?? 0;
      steps.push([share, clock.nowMs() - from, through]);
    }
    expect(steps.map(([share]) => share)).toEqual([0.05, 0.1, 0.2, 0.4, 0.8]);
    for (const [, ms] of steps) expect(ms).toBeGreaterThanOrEqual(STEP_MS);
    for (const [, ms] of steps) expect(ms).toBeLessThan(1.2 * STEP_MS);
    expect(breaker.state).toBe('closed');
    // At the rate of ten a second beside the share, and at most what comes.
    for (const [, , through] of steps) expect(through).toBeGreaterThanOrEqual(8);
    for (const [share, , through] of steps) expect(through).toBeLessThanOrEqual(Math.ceil(10 + share * 22));
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('holds each class to its part, highest first', () => {
    const { clock, breaker, load, request } = setUp();
    // Learn what is asked for, while the place is taken.
    const taken = request(CRITICAL, 5_000);
    load([100, 100, 100, 100], 1_000);
    taken?.settle('success');
    expect(breaker.share).toBe(0.05);
    const [critical = 0, ...others] = load([100, 100, 100, 100], 249);
    // 5 % of 400 a second, all of them critical; and one in 100 ms beside them.
    expect(critical).toBeGreaterThanOrEqual(5);
    expect(critical).toBeLessThanOrEqual(9);
    expect(others).toEqual([0, 0, 0]);
    const seen: number[][] = [];
    while (breaker.state === 'half_open') {
      const from = clock.nowMs();
      const share = breaker.share;
      const through = [0, 0, 0, 0];
      while (breaker.share === share && breaker.state === 'half_open') {
        load([100, 100, 100, 100], 10).forEach((count, rank) => {
          through[rank] = (through[rank] ?? 0) + count;
        });
      }
      seen.push([share, ...through.map((count) => Math.round((count * 1_000) / (clock.nowMs() - from)))]);
    }
    const at = (share: number) => seen.find(([of]) => of !== undefined && Math.abs(of - share) < 1e-9)?.slice(1);
    // 40 % of 400: the first class whole, half of the second.
    const [c = 0, h = 0, n = 0, l = 0] = at(0.4) ?? [];
    expect(c).toBeGreaterThan(90);
    expect(h).toBeGreaterThan(35);
    expect(h).toBeLessThan(90);
    // What is asked for is known within a few percent, as it comes.
    expect(n).toBeLessThan(10);
    expect(l).toBe(0);
    const [, , normal = 0, low = 100] = at(0.8) ?? [];
    expect(normal).toBeGreaterThan(85);
    expect(low).toBeLessThan(50);
  });

  test('is over in a quarter of the time where many calls go well', () => {
    const { clock, breaker, probe, load } = setUp();
    probe();
    const from = clock.nowMs();
    while (breaker.state !== 'closed') load([1_000], 10);
    expect(clock.nowMs() - from).toBeLessThan(1_600);
    expect(clock.nowMs() - from).toBeGreaterThanOrEqual(1_250);
  });

  test('goes on in a pool with little traffic: one call at a time goes through', () => {
    const { clock, breaker, probe, load } = setUp();
    probe('success', LOW);
    const from = clock.nowMs();
    let through = 0;
    while (breaker.state !== 'closed') through += load([0, 0, 0, 2], 1_000)[LOW] ?? 0;
    // All of them, and not one in twenty.
    expect(through).toBe((2 * (clock.nowMs() - from)) / 1_000);
    expect(clock.nowMs() - from).toBeLessThan(10_000);
  });

  test('gives that place to the more important class as well', () => {
    const { clock, breaker, probe, request } = setUp();
    probe();
    clock.advance(STEP_MS / 10);
    breaker.refuses(clock.nowMs(), CRITICAL);
    clock.advance(STEP_MS / 10);
    expect(request(LOW)).toBeUndefined();
    expect(request(CRITICAL)).toBeDefined();
  });

  test('opens the circuit when its first step is a bad one', () => {
    const { clock, breaker, changes, probe, load } = setUp();
    probe();
    const from = clock.nowMs();
    while (breaker.state !== 'open') load([20], 10, 'failure');
    // Three calls are enough for that, of the twenty that would open a closed one.
    expect(clock.nowMs() - from).toBeLessThan(500);
    expect(breaker.statistics(clock.nowMs()).calls).toBeLessThan(10);
    clock.advance(RESET_MS);
    expect(changes).toEqual(['open', 'half_open', 'open', 'half_open']);
  });

  test('steps down when the pool falls ill half-way', () => {
    const { breaker, probe, load } = setUp();
    probe();
    while (breaker.share < 0.4) load([100], 50);
    while (breaker.share >= 0.4) load([100], 10, 'failure');
    expect([breaker.state, breaker.share]).toEqual(['half_open', 0.2]);
  });

  test('knows when there will be room for a class', () => {
    const { clock, breaker, request, load } = setUp();
    const taken = request(CRITICAL, 5_000);
    load([100, 0, 0, 300], 1_000);
    taken?.settle('success', clock.nowMs());
    // A quarter of the demand is critical: 5, 10, 20, 40 %. For all of it five steps are needed.
    expect(breaker.retryAfterMs(clock.nowMs(), CRITICAL)).toBe(3 * STEP_MS);
    expect(breaker.retryAfterMs(clock.nowMs(), LOW)).toBe(5 * STEP_MS);
  });

  test('decides alike each time', () => {
    const trace = (): number[][] => {
      const { breaker, probe, load } = setUp();
      probe();
      const seen: number[][] = [];
      while (breaker.state !== 'closed') seen.push(load([37, 91, 113, 250], 100));
      return seen;
    };
    expect(trace()).toEqual(trace());
  });
});

test('the shadow of a circuit lets everything enter, and changes state as ever', () => {
  const clock = new ManualClock();
  const breaker = new PoolBreaker({
    name: 'checkout',
    errorPercent: 50,
    slowPercent: 50,
    minimumCalls: 5,
    windowMs: 5_000,
    resetMs: RESET_MS,
    rampMs: 0,
    shadow: true,
    random: () => 0.5,
    clock,
  });
  breakers.push(breaker);
  for (let call = 0; call < 50; call++) {
    const pass = breaker.enter(clock.nowMs(), Infinity, LOW);
    expect(pass).toBeDefined();
    pass?.settle('failure');
  }
  expect(breaker.state).toBe('open');
  expect(breaker.refuses(clock.nowMs(), LOW)).toBe(true);
  clock.advance(RESET_MS);
  const first = breaker.enter(clock.nowMs(), Infinity, LOW);
  const second = breaker.enter(clock.nowMs(), Infinity, LOW);
  second?.settle('failure');
  expect(breaker.state).toBe('half_open');
  first?.settle('success');
  expect(breaker.state).toBe('closed');
});
