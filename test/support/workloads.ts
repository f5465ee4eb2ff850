import type { Distribution } from '../../src/simulator/distribution.js';
import type { RatePhase } from '../../src/simulator/rate-plan.js';
import type { GroupReport, WindowReport } from '../../src/simulator/report.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import type { GatewaySettings, RouteSettings } from '../../src/simulator/settings.js';

/** Requests a second that ten seats of 50 ms can serve. */
export const CAPACITY = 200;

/** 50 ms on average with a tail: one in ten takes five times longer than the others. */
export const SERVICE: Distribution = {
  kind: 'mixture',
  parts: [
    { share: 0.9, of: { kind: 'exponential', meanMs: 35 } },
    { share: 0.1, of: { kind: 'exponential', meanMs: 185 } },
  ],
};

const route = (name: string, rank: RouteSettings['rank'], deadlineMs: number): RouteSettings => ({
  name,
  rank,
  deadlineMs,
  pool: 'main',
  maxQueued: 100_000,
  burst: 1,
  cancelOnDisconnect: true,
});

/** The pool and the classes of the reference programs. */
export const GATEWAY: GatewaySettings = {
  pools: [{ name: 'main', seats: 10, shares: { cap: 0.9, minima: [0, 0.06, 0.03, 0.01] }, rideOutMs: 2_000 }],
  routes: [route('checkout', 0, 500), route('browse', 2, 500), route('report', 3, 2_000)],
};

/** Their shares of the load. */
const SHARES = { checkout: 0.2, browse: 0.5, report: 0.3 } as const;

type RouteName = keyof typeof SHARES;

function scenario(name: string, rates: Readonly<Record<RouteName, readonly RatePhase[]>>): Scenario {
  return {
    sluiceScenario: 1,
    name,
    description: '',
    durationMs: 150_000,
    warmUpMs: 20_000,
    seeds: [1, 2, 3],
    cancelAtDeadline: false,
    streams: Object.entries(rates).map(([to, rate]) => ({ route: to, arrivals: 'poisson', rate, service: SERVICE })),
    events: [],
    windows: [],
  };
}

/** Steady load, in multiples of the capacity. */
export function steady(load: number): Scenario {
  const rate = (name: RouteName): RatePhase[] => [{ perSecond: offered(load)[name] }];
  return scenario(`steady ${load}`, { checkout: rate('checkout'), browse: rate('browse'), report: rate('report') });
}

/** Requests a second of each route under a steady load. */
export function offered(load: number): Record<RouteName, number> {
  const perSecond = load * CAPACITY;
  return {
    checkout: perSecond * SHARES.checkout,
    browse: perSecond * SHARES.browse,
    report: perSecond * SHARES.report,
  };
}

/** 140 requests a second, and for one minute twelve times as many reports. */
export function spike(): Scenario {
  const report = [{ perSecond: 20, forMs: 60_000 }, { perSecond: 240, forMs: 60_000 }, { perSecond: 20 }];
  return {
    ...scenario('spike', { checkout: [{ perSecond: 40 }], browse: [{ perSecond: 80 }], report }),
    durationMs: 160_000,
    seeds: [1, 2, 3, 4, 5],
    windows: [
      { name: 'during', fromMs: 61_000, untilMs: 119_000 },
      { name: 'first second', fromMs: 60_000, untilMs: 61_000 },
      { name: 'after', fromMs: 120_000, untilMs: 125_000 },
    ],
  };
}

/** One route of a window. */
export function routeOf(window: WindowReport | undefined, name: string): GroupReport {
  const group = window?.routes.find((each) => each.name === name);
  if (group === undefined) throw new RangeError(`the report has no route "${name}"`);
  return group;
}
