import { describe, expect, it } from 'vitest';
import type { ScenarioEvent } from '../../../src/simulator/scenario.js';
import type { GatewaySettings } from '../../../src/simulator/settings.js';
import { evenly, gateway, tell, world } from './small-worlds.js';

/** What becomes of the requests that come within 200 ms of some instants: the median latency and the successes of each. */
function at(instants: readonly number[], ms: number, events: readonly ScenarioEvent[], settings: GatewaySettings) {
  const windows = instants.map((fromMs) => ({ name: `${fromMs}`, fromMs, untilMs: fromMs + 200 }));
  const { report } = tell(world([evenly(100, ms)], { events, windows }), settings);
  return report.windows.slice(1).map(({ total }) => ({
    latencyMs: Math.round(total.latencyMs.p50Ms ?? 0),
    good: total.good,
  }));
}

const pool = 'main';

describe('events of one kind that overlap', () => {
  it('slowdowns: the one that began last holds, then the other again', () => {
    const events: ScenarioEvent[] = [
      { kind: 'slowdown', atMs: 1_000, forMs: 6_000, pool, factor: 2 },
      { kind: 'slowdown', atMs: 2_000, forMs: 2_000, pool, factor: 4 },
    ];
    const instants = [500, 1_500, 3_000, 5_000, 8_000];
    const told = at(instants, 20, events, gateway(4)).map(({ latencyMs }) => Math.round(latencyMs / 20));
    expect(told).toEqual([1, 2, 4, 2, 1]);
    expect(
      at(instants, 20, events.toReversed(), gateway(4)).map(({ latencyMs }) => Math.round(latencyMs / 20)),
    ).toEqual(told);
  });

  it('slowdowns that end in the order in which they began', () => {
    const events: ScenarioEvent[] = [
      { kind: 'slowdown', atMs: 1_000, forMs: 3_000, pool, factor: 2 },
      { kind: 'slowdown', atMs: 2_000, forMs: 4_000, pool, factor: 4 },
    ];
    const told = at([1_500, 3_000, 5_000, 7_000], 20, events, gateway(4));
    expect(told.map(({ latencyMs }) => Math.round(latencyMs / 20))).toEqual([2, 4, 4, 1]);
  });

  it('outages are one, from the first to the last', () => {
    const events: ScenarioEvent[] = [
      { kind: 'outage', atMs: 1_050, forMs: 6_000, pool },
      { kind: 'outage', atMs: 2_000, forMs: 1_000, pool },
    ];
    expect(at([500, 1_500, 4_000, 6_000, 8_000], 20, events, gateway(4)).map(({ good }) => good)).toEqual([
      2, 0, 0, 0, 2,
    ]);
  });

  it('standstills are one, and long work is held up by each that comes while it lasts', () => {
    const patient = gateway(50, { deadlineMs: 60_000 });
    const inner: ScenarioEvent[] = [
      { kind: 'standstill', atMs: 1_000, forMs: 4_000, pool },
      { kind: 'standstill', atMs: 2_000, forMs: 500, pool },
    ];
    // Those that come at 3,000 and 3,100 wait for the end of the outer one.
    expect(at([3_000], 20, inner, patient)[0]?.latencyMs).toBeGreaterThan(1_900);
    const apart: ScenarioEvent[] = [
      { kind: 'standstill', atMs: 1_000, forMs: 1_000, pool },
      { kind: 'standstill', atMs: 3_000, forMs: 500, pool },
    ];
    const [long] = at([500], 4_000, apart, patient);
    expect(Math.abs((long?.latencyMs ?? 0) - 5_500)).toBeLessThan(60);
  });

  it('capacities: the pool comes back to what it is set to, connections shared as they are', () => {
    // Requests of 190 ms, ten a second: two seats are enough, and one serves about half.
    const served = (events: readonly ScenarioEvent[], settings = gateway(4)): boolean[] =>
      at([500, 3_500, 5_500, 8_500], 190, events, settings).map(({ good, latencyMs }) => good === 2 && latencyMs < 250);
    const nested: ScenarioEvent[] = [
      { kind: 'capacity', atMs: 1_000, forMs: 6_000, pool, seats: 1 },
      { kind: 'capacity', atMs: 2_000, forMs: 2_500, pool, seats: 3 },
    ];
    expect(served(nested)).toEqual([true, true, false, true]);
    const changed: ScenarioEvent[] = [
      { kind: 'config', atMs: 1_000, pools: { main: { max: 1 } } },
      { kind: 'capacity', atMs: 2_000, forMs: 2_500, pool, seats: 3 },
    ];
    expect(served(changed)).toEqual([true, true, false, false]);
    const meanwhile: ScenarioEvent[] = [
      { kind: 'capacity', atMs: 2_000, forMs: 2_500, pool, seats: 3 },
      { kind: 'config', atMs: 3_000, pools: { main: { max: 1 } } },
    ];
    expect(served(meanwhile)).toEqual([true, true, false, false]);
    const { pools, routes } = gateway(4);
    const shared = { pools: pools.map((each) => ({ ...each, operationsPerRequest: 0.25 })), routes };
    expect(served([{ kind: 'config', atMs: 1_000, pools: { main: { max: 1 } } }], shared)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});
