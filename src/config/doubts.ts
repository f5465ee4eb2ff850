import type { GatewayConfig } from './config.js';
import { gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';

/** What contradicts nothing, and can yet hardly be meant. */
export interface Doubt {
  /** Its place in the code, for example `routes.search.burst`. */
  readonly where: string;
  /** What follows from it, and what to do. */
  readonly text: string;
}

/** Requests that arrive so close together come at once, in ms: they share a turn or two of a busy event loop. */
const AT_ONCE_MS = 20;

/** What deserves a second look in a configuration that is valid. */
export function doubtsOf(config: GatewayConfig): Doubt[] {
  return [...unusedPools(config), ...shortBursts(config)];
}

function unusedPools({ pools, routes }: GatewayConfig): Doubt[] {
  const used = new Set([...routes.values()].map(({ pool }) => pool));
  return [...pools.values()]
    .filter(({ name }) => !used.has(name))
    .map(({ name, max }) => ({
      where: poolSection(name).pathPrefix.slice(0, -1),
      text: `no route uses it, and the budget counts its ${max} connections; name it as the pool of a route, or leave it out`,
    }));
}

interface Bucket {
  readonly ratePerSecond?: number | undefined;
  readonly burst?: number | undefined;
}

function shortBursts({ ratePerSecond, burst, routes }: GatewayConfig): Doubt[] {
  const buckets: [{ readonly pathPrefix: string }, Bucket][] = [[gatewaySection, { ratePerSecond, burst }]];
  for (const route of routes.values()) {
    buckets.push([routeSection(route.name), route]);
    if (route.perCaller !== undefined) buckets.push([perCallerSection(route.name), route.perCaller]);
  }
  return buckets.flatMap(([{ pathPrefix }, bucket]) => shortBurst(`${pathPrefix}burst`, bucket));
}

function shortBurst(where: string, { ratePerSecond, burst }: Bucket): Doubt[] {
  if (ratePerSecond === undefined || burst === undefined) return [];
  const least = Math.ceil((ratePerSecond * AT_ONCE_MS) / 1_000);
  if (burst >= least) return [];
  const text =
    `with ${ratePerSecond} requests/s and a burst of ${burst}, more than ${burst} that come at once are refused although ` +
    `the rate is kept; use at least ${least}, or leave it out for one second of the rate`;
  return [{ where, text }];
}
