import type { PoolConfig, RouteConfig } from '../config/config.js';
import type { GatewayOptions, RouteOptions } from '../config/options.js';
import type { Environment } from '../config/reading.js';
import { resolveConfig } from '../config/resolve.js';
import { DEFAULT_SHARES } from '../core/class-shares.js';
import { rankOf } from '../core/priority.js';
import { seatCount } from '../core/seat-count.js';
import type { GatewaySettings, PoolSettings, RouteSettings } from '../simulator/settings.js';
import { notModelled } from './not-modelled.js';

/** No server is called so (RFC 2606), and a simulation never calls one. */
const NO_SERVER = 'postgres://simulated.invalid/none';

/** The settings of a configuration, and what a simulation of them goes without. */
export interface ConfiguredSettings extends GatewaySettings {
  /** Paths of settings that are set, and that a simulation does not model. */
  readonly notModelled: readonly string[];
}

/**
 * The settings that decide who is admitted, of the same configuration that a gateway would run with, environment
 * included. A pool without a URL is no mistake here.
 *
 * @throws ConfigError with every other mistake.
 */
export function settingsOf(options: GatewayOptions, env: Environment): ConfiguredSettings {
  const config = resolveConfig(withKeys(options), { ...env, DATABASE_URL: NO_SERVER });
  const routes = [...config.routes.values()];
  return {
    pools: [...[...config.pools.values()].map(poolSettings), ...routes.flatMap(ownSeats)],
    routes: routes.map(routeSettings),
    notModelled: notModelled(config),
  };
}

/** Functions that name callers cannot stand in JSON, and are not asked here: a scenario names its tenants itself. */
function withKeys(options: GatewayOptions): GatewayOptions {
  const { routes } = options;
  if (typeof routes !== 'object' || routes === null) return options;
  const keyed = Object.entries(routes).map(([name, route]: [string, RouteOptions]) => {
    const perCaller: unknown = route?.perCaller;
    const lacks = typeof perCaller === 'object' && perCaller !== null && !('key' in perCaller);
    return [name, lacks ? { ...route, perCaller: { ...perCaller, key: () => undefined } } : route] as const;
  });
  return { ...options, routes: Object.fromEntries(keyed) };
}

function poolSettings(config: PoolConfig): PoolSettings {
  const { feasibility, lifo, eviction, displacement } = config;
  return {
    name: config.name,
    seats: seatCount(config.max, config.operationsPerRequest),
    operationsPerRequest: config.operationsPerRequest,
    headroom: config.headroom,
    shares: { cap: config.capCritical, minima: [0, config.minHigh, config.minNormal, config.minLow] },
    rideOutMs: config.rideOutMs,
    maxQueued: config.maxQueued,
    maxTenants: config.maxTenants,
    adaptiveFrom: config.adaptive ? config.minSeats : undefined,
    discipline: { feasibility, lifo, eviction, displacement },
  };
}

/** A route without a pool and with a concurrency limit has a queue of its own. */
function ownSeats({ name, concurrency }: RouteConfig): PoolSettings[] {
  if (concurrency === undefined) return [];
  return [{ name: seatsName(name), seats: concurrency, shares: DEFAULT_SHARES, rideOutMs: 0 }];
}

const seatsName = (route: string): string => `route ${route}`;

function routeSettings(route: RouteConfig): RouteSettings {
  const { perCaller, concurrency } = route;
  return {
    name: route.name,
    pool: concurrency === undefined ? route.pool : seatsName(route.name),
    rank: rankOf(route.priority),
    deadlineMs: route.deadlineMs,
    maxQueued: route.maxQueued,
    expectedMs: route.expectedMs,
    ratePerSecond: route.ratePerSecond,
    burst: route.burst,
    perCaller,
    seats: route.cost,
    seatsByRequest: route.costOf !== undefined,
    cancelOnDisconnect: route.onDisconnect === 'cancel',
  };
}
