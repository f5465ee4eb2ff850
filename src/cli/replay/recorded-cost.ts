import { routeSection } from '../../config/section.js';
import type { RecordedCalls } from '../../simulator/recorded-source.js';
import type { GatewaySettings } from '../../simulator/settings.js';
import type { LoggedRequest } from './logged-request.js';

/** What a configuration makes of the costs of recorded requests. */
export interface OtherCosts {
  /** Seats that each request of a route asks for now. The requests of other routes ask for what they did. */
  readonly seats: ReadonlyMap<string, number>;
  /** Paths of costs that are set and say nothing: each request of the route named its own. */
  readonly notModelled: readonly string[];
}

/**
 * The `cost` of a route says what its requests ask for where all of them asked for the same: then it was their cost in
 * the log, too. Where they differ, or the configuration has a function, what each asked for stays.
 */
export function otherCosts(requests: readonly LoggedRequest[], { routes }: GatewaySettings): OtherCosts {
  const recorded = recordedCosts(requests);
  const seats = new Map<string, number>();
  const notModelled: string[] = [];
  for (const { name, seats: cost, seatsByRequest = false } of routes) {
    const costs = recorded.get(name);
    if (cost === undefined || costs === undefined || seatsByRequest) continue;
    if (costs.size === 1) seats.set(name, cost);
    else if (cost > 1)
      notModelled.push(`${routeSection(name).pathPrefix}cost (the requests of the log name their own)`);
  }
  return { seats, notModelled };
}

/** The requests of a recording with other costs. */
export function withCosts(calls: RecordedCalls, costs: ReadonlyMap<string, number>): RecordedCalls {
  const changed = [...calls].map(([route, own]) => {
    const seats = costs.get(route);
    return [route, seats === undefined ? own : own.map((call) => ({ ...call, seats }))] as const;
  });
  return new Map(changed);
}

/** All costs of each route. */
function recordedCosts(requests: readonly LoggedRequest[]): ReadonlyMap<string, ReadonlySet<number>> {
  const costs = new Map<string, Set<number>>();
  for (const { route, seats, fate } of requests) {
    // Where a bucket refuses a request, its cost is not in the log.
    if (fate === 'rate_limited') continue;
    const known = costs.get(route);
    if (known === undefined) costs.set(route, new Set([seats]));
    else known.add(seats);
  }
  return costs;
}
