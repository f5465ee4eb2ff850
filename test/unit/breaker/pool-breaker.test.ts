import { afterEach, describe, expect, test } from 'vitest';
import { type BreakerPass, type BreakerState, PoolBreaker, type Verdict } from '../../../src/breaker/pool-breaker.js';
import type { PriorityRank } from '../../../src/core/priority.js';
import { ManualClock } from './manual-clock.js';

const WINDOW_MS = 5_000;
const RESET_MS = 500;
const MINIMUM_CALLS = 20;

const breakers: PoolBreaker[] = [];

afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.shutdown();
});

interface SetUp {
  readonly errorPercent?: number;
  readonly slowPercent?: number;
  readonly rampMs?: number;
  readonly shadow?: boolean;
  readonly random?: () => number;
}

/** Without a ramp, unless one is asked for: it closes with its first good probe. */
function setUp({ errorPercent = 50, slowPercent = 50, rampMs = 0, shadow = false, random = () => 0.5 }: SetUp = {}) {
  const clock = new ManualClock();
  const changes: BreakerState[] = [];
  const breaker = new PoolBreaker({
    name: 'checkout',
    errorPercent,
    slowPercent,
    minimumCalls: MINIMUM_CALLS,
    windowMs: WINDOW_MS,
    resetMs: RESET_MS,
    rampMs,
    shadow,
    random,
    clock,
    onChange: (state) => changes.push(state),
  });
  breakers.push(breaker);
  const enter = (leaseMs = 1_000, rank: PriorityRank = 0): BreakerPass => {
    const pass = breaker.enter(clock.nowMs(), clock.nowMs() + leaseMs, rank);
    if (pass === undefined) throw new Error(`refused in state ${breaker.state}`);
    return pass;
  };
  const report = (verdict: Verdict, times: number): void => {
    for (let call = 0; call < times; call += 1) enter().settle(verdict);
  };
  const refused = (): boolean => {
    const preflight = breaker.refuses(clock.nowMs(), 0);
    const pass = breaker.enter(clock.nowMs(), clock.nowMs() + 1_000, 0);
    expect(pass === undefined).toBe(preflight);
    return preflight;
  };
  const open = (): void => {
    report('failure', MINIMUM_CALLS);
    expect(breaker.state).toBe('open');
  };
  const halfOpen = (): void => {
    open();
    clock.advance(RESET_MS);
    expect(breaker.state).toBe('half_open');
  };
  return { clock, breaker, changes, enter, report, refused, open, halfOpen };
}

describe('closed', () => {
  test('lets every call through', () => {
    const { breaker, refused, report } = setUp();
    report('success', 1_000);
    expect(refused()).toBe(false);
    expect(breaker.retryAfterMs(0, 0)).toBe(0);
  });

  test('opens at the call that brings the share of failures to the threshold', () => {
    const { breaker, report, refused, changes } = setUp();
    report('success', 15);
    report('failure', 14);
    expect(breaker.state).toBe('closed');
    report('failure', 1);
    expect(breaker.state).toBe('open');
    expect(refused()).toBe(true);
    expect(changes).toEqual(['open']);
  });

  test('opens at a threshold of 100 percent when every call fails', () => {
    const { breaker, report } = setUp({ errorPercent: 100 });
    report('failure', MINIMUM_CALLS);
    expect(breaker.state).toBe('open');
  });

  test('stays closed below the minimum of calls, whatever their share of failures', () => {
    const { breaker, report } = setUp();
    report('failure', MINIMUM_CALLS - 1);
    expect(breaker.state).toBe('closed');
    report('failure', 1);
    expect(breaker.state).toBe('open');
  });

  test('forgets calls that are older than the window', () => {
    const { breaker, clock, report } = setUp();
    report('failure', MINIMUM_CALLS - 1);
    clock.advance(WINDOW_MS);
    report('failure', MINIMUM_CALLS - 1);
    expect(breaker.state).toBe('closed');
    expect(breaker.statistics(clock.nowMs())).toEqual({
      calls: MINIMUM_CALLS - 1,
      failures: MINIMUM_CALLS - 1,
      slow: 0,
    });
  });

  test('remembers calls within the window', () => {
    const { breaker, clock, report } = setUp();
    report('failure', MINIMUM_CALLS - 1);
    clock.advance(WINDOW_MS * 0.8);
    report('failure', 1);
    expect(breaker.state).toBe('open');
  });

  test('weighs each success at the time at which it happened', () => {
    const { breaker, clock, report } = setUp();
    report('success', 1_000);
    clock.advance(WINDOW_MS * 0.5);
    report('success', 30);
    clock.advance(WINDOW_MS * 0.6);
    report('failure', 29);
    expect(breaker.statistics(clock.nowMs())).toEqual({ calls: 59, failures: 29, slow: 0 });
    report('failure', 1);
    expect(breaker.state).toBe('open');
  });

  test.each<[errorPercent: number, slowPercent: number, failures: number, slow: number, state: BreakerState]>([
    [50, 50, 7, 7, 'closed'],
    [50, 50, 10, 0, 'open'],
    [50, 50, 0, 10, 'open'],
    [50, 30, 0, 6, 'open'],
    [50, 30, 9, 5, 'closed'],
    [30, 50, 6, 0, 'open'],
    [30, 50, 5, 9, 'closed'],
  ])(
    'thresholds of %d and %d percent for failures and slowness, each by itself: %d and %d of 20 calls leave it %s',
    (errorPercent, slowPercent, failures, slow, state) => {
      const { breaker, clock, report } = setUp({ errorPercent, slowPercent });
      report('success', 20 - failures - slow);
      report('failure', failures);
      report('slow', slow);
      expect(breaker.state).toBe(state);
      expect(breaker.openedBy).toBe(state === 'closed' ? undefined : failures > slow ? 'failure' : 'slow');
      expect(breaker.statistics(clock.nowMs())).toEqual({ calls: 20, failures, slow });
    },
  );

  test('ignores 10,000 application errors', () => {
    const { breaker, clock, report, refused } = setUp();
    report('neutral', 10_000);
    expect(refused()).toBe(false);
    expect(breaker.statistics(clock.nowMs())).toEqual({ calls: 0, failures: 0, slow: 0 });
    report('failure', MINIMUM_CALLS - 1);
    expect(breaker.state).toBe('closed');
  });

  test('counts a pass once', () => {
    const { breaker, clock, enter } = setUp();
    const pass = enter();
    for (let again = 0; again < 100; again += 1) pass.settle('failure');
    expect(breaker.statistics(clock.nowMs())).toEqual({ calls: 1, failures: 1, slow: 0 });
  });
});

describe('open', () => {
  test('refuses until the reset time has passed, and says how long that is', () => {
    const { breaker, clock, open, refused } = setUp();
    open();
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBe(RESET_MS);
    clock.advance(RESET_MS - 1);
    expect(refused()).toBe(true);
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBe(1);
    clock.advance(1);
    expect(breaker.state).toBe('half_open');
    expect(refused()).toBe(false);
  });

  test.each([
    [0, 400],
    [0.5, 500],
    [0.999_999, 600],
  ])('draws its length around the reset time: %d of the range gives %d ms', (drawn, openForMs) => {
    const { breaker, clock, open } = setUp({ random: () => drawn });
    open();
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBeCloseTo(openForMs, 2);
  });

  test('draws anew at each opening', () => {
    const draws = [0, 0.75];
    const { breaker, clock, open, enter } = setUp({ random: () => draws.shift() ?? Number.NaN });
    open();
    clock.advance(400);
    enter().settle('failure');
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBeCloseTo(550, 6);
  });

  test('late results move nothing', () => {
    const { breaker, clock, enter, open, changes } = setUp();
    const slowSuccess = enter();
    const slowFailure = enter();
    open();
    clock.advance(RESET_MS);
    slowSuccess.settle('success');
    expect(breaker.state).toBe('half_open');
    slowFailure.settle('failure');
    expect(breaker.state).toBe('half_open');
    expect(changes).toEqual(['open', 'half_open']);
  });

  test('failures of an earlier closed period do not count in a later one', () => {
    const { breaker, clock, enter, report, halfOpen } = setUp();
    const stale = Array.from({ length: 100 }, () => enter());
    halfOpen();
    enter().settle('success');
    expect(breaker.state).toBe('closed');
    report('success', MINIMUM_CALLS);
    for (const pass of stale) pass.settle('failure');
    expect(breaker.state).toBe('closed');
    expect(breaker.statistics(clock.nowMs())).toEqual({ calls: MINIMUM_CALLS + 1, failures: 0, slow: 0 });
  });
});

describe('half-open', () => {
  test('lets exactly one call through', () => {
    const { breaker, clock, enter, halfOpen, refused } = setUp();
    halfOpen();
    enter(800);
    for (let call = 0; call < 100; call += 1) expect(refused()).toBe(true);
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBe(RESET_MS);
    clock.advance(600);
    expect(breaker.retryAfterMs(clock.nowMs(), 0)).toBe(200);
  });

  test('closes when its probe succeeds, at once where there is no ramp', () => {
    const { clock, breaker, enter, halfOpen, refused, changes } = setUp();
    halfOpen();
    clock.advance(30);
    enter().settle('success');
    expect(breaker.state).toBe('closed');
    expect(breaker.sinceMs).toBe(clock.nowMs());
    expect(refused()).toBe(false);
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('starts its closed period with an empty window', () => {
    const { breaker, enter, halfOpen, report } = setUp();
    halfOpen();
    enter().settle('success');
    report('failure', MINIMUM_CALLS - 2);
    expect(breaker.state).toBe('closed');
    report('failure', 1);
    expect(breaker.state).toBe('open');
  });

  test('opens again when its probe fails, and probes again later', () => {
    const { breaker, clock, enter, halfOpen, refused, changes } = setUp();
    halfOpen();
    enter().settle('failure');
    expect(breaker.state).toBe('open');
    expect(refused()).toBe(true);
    clock.advance(RESET_MS);
    enter().settle('success');
    expect(changes).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
  });

  test('gives the place of a neutral probe to the next one, and proves nothing by it', () => {
    const { breaker, enter, halfOpen, refused } = setUp();
    halfOpen();
    enter().settle('neutral');
    expect(breaker.state).toBe('half_open');
    enter();
    expect(refused()).toBe(true);
  });

  test('frees the place of a probe that never ends when its lease runs out', () => {
    const { breaker, clock, enter, halfOpen, refused } = setUp();
    halfOpen();
    const wedged = enter(800);
    clock.advance(799);
    expect(refused()).toBe(true);
    clock.advance(1);
    const next = enter(800);
    expect(refused()).toBe(true);
    wedged.settle('failure');
    expect(breaker.state).toBe('half_open');
    next.settle('success');
    expect(breaker.state).toBe('closed');
  });

  test('bounds the lease of a probe without a deadline', () => {
    const { clock, enter, halfOpen, refused } = setUp();
    halfOpen();
    enter(Number.POSITIVE_INFINITY);
    clock.advance(30_000);
    expect(refused()).toBe(false);
  });
});

test('shutting down leaves no timer and ends all reports', () => {
  const { breaker, clock, changes, open, enter } = setUp();
  const late = enter();
  open();
  expect(clock.armed).toBe(1);
  breaker.shutdown();
  expect(clock.armed).toBe(0);
  late.settle('failure');
  clock.advance(60_000);
  expect(changes).toEqual(['open']);
});

test('reports after shutting down do nothing', () => {
  const { breaker, clock, changes, enter } = setUp();
  const passes = Array.from({ length: MINIMUM_CALLS }, () => enter());
  breaker.shutdown();
  for (const pass of passes) pass.settle('failure');
  expect(changes).toEqual([]);
  expect(breaker.statistics(clock.nowMs())).toEqual({ calls: 0, failures: 0, slow: 0 });
});

test('reports leave no unhandled rejection behind', async () => {
  const rejections: unknown[] = [];
  const listener = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', listener);
  try {
    const { clock, enter, halfOpen, report } = setUp();
    halfOpen();
    enter().settle('failure');
    clock.advance(RESET_MS);
    enter().settle('success');
    report('failure', 1);
    // Node tells about unhandled rejections once the microtasks are done, before the next turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejections).toEqual([]);
  } finally {
    process.off('unhandledRejection', listener);
  }
});
