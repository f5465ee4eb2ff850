import { describe, expect, it } from 'vitest';
import type { RecordedCall } from '../../../src/simulator/recorded-source.js';
import type { GatewaySettings } from '../../../src/simulator/settings.js';
import { bulkheads } from '../../../src/simulator/settings.js';
import { simulate } from '../../../src/simulator/simulate.js';
import { gateway, world } from './small-worlds.js';

/** A request that asks after 100 ms for 20 ms of work. */
function call(rest: Partial<RecordedCall> = {}): RecordedCall {
  return {
    atMs: 100,
    onTheWayMs: 0,
    budgetMs: Number.POSITIVE_INFINITY,
    tenant: undefined,
    caller: undefined,
    seats: 1,
    serviceMs: 20,
    leavesAfterMs: Number.POSITIVE_INFINITY,
    ...rest,
  };
}

function tell(calls: readonly RecordedCall[], settings: GatewaySettings = gateway(1)) {
  const ranks: number[] = [];
  const { report } = simulate({
    scenario: world([]),
    recorded: () => new Map([['work', calls]]),
    gateway: settings,
    createPolicy: (pool, top) => {
      const policy = bulkheads()(pool, top);
      const arrive = policy.arrive.bind(policy);
      policy.arrive = (nowMs, ticket) => {
        ranks.push(ticket.rank);
        return arrive(nowMs, ticket);
      };
      return policy;
    },
  });
  const total = report.windows[0]?.total;
  if (total === undefined) throw new RangeError('a report has a window for the whole');
  return { total, ranks };
}

describe('recorded requests', () => {
  it('come when they came, and take what they took', () => {
    const { total } = tell([call(), call({ atMs: 110 }), call({ atMs: 200, serviceMs: 50 })]);
    expect(total).toMatchObject({ offered: 3, good: 3 });
    // 20, 10 + 20 and 50 ms.
    expect(total.latencyMs.p50Ms).toBeCloseTo(30, -1);
    expect(total.latencyMs.p99Ms).toBeCloseTo(50, -1);
  });

  it('have their own deadlines, which their way counts against', () => {
    expect(tell([call({ serviceMs: 900 })]).total.good).toBe(1);
    expect(tell([call({ serviceMs: 900, budgetMs: 800 })]).total.good).toBe(0);
    expect(tell([call({ serviceMs: 900, onTheWayMs: 90, budgetMs: 950 })]).total.good).toBe(0);
    expect(tell([call({ serviceMs: 900, budgetMs: 5_000 })], gateway(1, { deadlineMs: 800 })).total.good).toBe(0);
  });

  it('may have a lower class than their route, and never a higher one', () => {
    expect(tell([call(), call({ rank: 3 })]).ranks).toEqual([0, 3]);
    expect(tell([call({ rank: 0 })], gateway(1, { rank: 2 })).ranks).toEqual([2]);
  });

  it('are charged to their caller, whoever their tenant is', () => {
    const limited = gateway(4, { perCaller: { ratePerSecond: 0.001, burst: 1, maxKeys: 10 } });
    const { total } = tell([call({ caller: 'a' }), call({ caller: 'a', tenant: 'b' }), call({ tenant: 'a' })], limited);
    expect(total.good).toBe(2);
    expect(total.shedBy.rate_limited?.count).toBe(1);
  });

  it('hold the seats that they held, and leave when their clients left', () => {
    const two = tell([call({ seats: 2, serviceMs: 700 }), call({ seats: 2, serviceMs: 700 })], gateway(2));
    expect(two.total.good).toBe(1);
    expect(tell([call({ serviceMs: 700, leavesAfterMs: 30 }), call({ serviceMs: 700 })]).total).toMatchObject({
      left: 1,
      good: 1,
    });
  });
});
