import { describe, expect, it } from 'vitest';
import type { Scenario, ScenarioEvent } from '../../../src/simulator/scenario.js';
import type { GatewaySettings } from '../../../src/simulator/settings.js';
import { simulate } from '../../../src/simulator/simulate.js';
import { load } from './load-scenario.js';

describe('a pool on which nothing moves for a while', () => {
  it('refuses nobody for it who can be answered in time once it is over', () => {
    const { scenario, gateway } = load('w20-standstill');
    const [whole] = simulate({ scenario, gateway }).report.windows;
    expect(whole?.total.offered).toBeGreaterThan(10_000);
    expect(whole?.classes.map(({ name, successPercent }) => [name, successPercent])).toEqual([
      ['critical', 100],
      ['normal', 100],
    ]);
  });

  it('refuses with the queue bound by the time to wait out, where it stands for longer', () => {
    const { scenario, gateway } = load('w20-standstill');
    const events: ScenarioEvent[] = [{ kind: 'standstill', atMs: 20_000, forMs: 12_000, pool: 'main' }];
    const [whole] = simulate({ scenario: { ...scenario, events }, gateway }).report.windows;
    // Those of the last moments before the end are served, and nobody waits to be told for longer than its deadline.
    expect(whole?.total.shed.p99Ms).toBeLessThanOrEqual(2_500);
    expect(whole?.total.shed.p50Ms).toBeLessThan(300);
  });
});

describe('work that has become forty times slower for good', () => {
  const slow = (): Scenario => {
    const { scenario } = load('w20-standstill');
    const events: ScenarioEvent[] = [{ kind: 'slowdown', atMs: 20_000, pool: 'main', factor: 40 }];
    const windows = [
      { name: 'at first', fromMs: 20_000, untilMs: 30_000 },
      { name: 'later', fromMs: 30_000, untilMs: 85_000 },
    ];
    return { ...scenario, events, windows };
  };

  it('is no standstill, though it looks like one at first: nine tenths of what is answered in time without are answered so', () => {
    const { gateway } = load('w20-standstill');
    const strict: GatewaySettings = { ...gateway, pools: gateway.pools.map((pool) => ({ ...pool, rideOutMs: 0 })) };
    const good = (settings: GatewaySettings): number[] =>
      simulate({ scenario: slow(), gateway: settings }).report.windows.map(({ total }) => total.goodPerSecond);
    const [first = 0, later = 0] = good(gateway);
    const [strictFirst = 0, strictLater = 0] = good(strict);
    expect(first).toBeGreaterThanOrEqual(0.9 * strictFirst);
    expect(later).toBeGreaterThanOrEqual(0.9 * strictLater);
  });
});
