import type { Report, WindowReport } from '../../../src/simulator/report.js';
import type { Scenario, Stream } from '../../../src/simulator/scenario.js';
import type { GatewaySettings, RouteSettings } from '../../../src/simulator/settings.js';
import { simulate } from '../../../src/simulator/simulate.js';

/** A stream of a request every `everyMs`, each of which takes `ms`. */
export function evenly(everyMs: number, ms: number, rest: Partial<Stream> = {}): Stream {
  return {
    route: 'work',
    arrivals: 'even',
    rate: [{ perSecond: 1_000 / everyMs }],
    service: { kind: 'constant', ms },
    ...rest,
  };
}

/** A scenario of ten seconds. */
export function world(streams: readonly Stream[], rest: Partial<Scenario> = {}): Scenario {
  return {
    sluiceScenario: 1,
    name: 'small',
    description: '',
    durationMs: 10_000,
    warmUpMs: 0,
    seeds: [1],
    cancelAtDeadline: true,
    streams,
    events: [],
    windows: [],
    ...rest,
  };
}

/** One pool and the route `work`, critical, with a deadline of one second. */
export function gateway(
  seats: number,
  route: Partial<RouteSettings> = {},
  others: RouteSettings[] = [],
): GatewaySettings {
  const work: RouteSettings = {
    name: 'work',
    pool: 'main',
    rank: 0,
    deadlineMs: 1_000,
    maxQueued: 1_000,
    burst: 1,
    cancelOnDisconnect: true,
    ...route,
  };
  return {
    pools: [{ name: 'main', seats, shares: { cap: 0.9, minima: [0, 0.06, 0.03, 0.01] }, rideOutMs: 2_000 }],
    routes: [work, ...others],
  };
}

/** Simulates, and returns the report with its first window. */
export function tell(scenario: Scenario, settings: GatewaySettings): { report: Report; whole: WindowReport } {
  const { report } = simulate({ scenario, gateway: settings });
  const [whole] = report.windows;
  if (whole === undefined) throw new RangeError('a report has a window for the whole');
  return { report, whole };
}
