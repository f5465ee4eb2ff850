import type {
  GatewayConfig,
  GatewayValues,
  PoolConfig,
  PoolValues,
  RouteConfig,
  RouteValues,
} from '../config/config.js';
import type { Field } from '../config/field.js';
import { gatewaySection, poolSection, routeSection, type Section } from '../config/section.js';
import type { Stream } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';

/** Settings that decide about requests, and about which a simulation knows nothing. */
const GATEWAY: readonly (keyof GatewayValues)[] = ['mode', 'ratePerSecond', 'burst', 'maxEventLoopLagMs'];
const POOL: readonly (keyof PoolValues)[] = [
  ...(['yieldsTo', 'targetMs', 'breaker', 'breakerErrorPercent', 'breakerSlowPercent', 'breakerMinimumCalls'] as const),
  ...(['breakerWindowMs', 'breakerResetMs', 'breakerRampMs'] as const),
];
const ROUTE: readonly (keyof RouteValues)[] = ['fleetWide', 'fleetMaxConcurrent', 'window', 'timeZone', 'stream'];
const FUNCTIONS = ['costOf', 'tenantOf'] as const;

/** A sentence for the help of every command that simulates. */
export const NOT_MODELLED_HELP: string =
  'What it does not model is named: mode, the rate limit of all routes together, maxEventLoopLagMs, breakers, yieldsTo,\n' +
  'windows, stream, fleetWide, fleetMaxConcurrent, and the functions costOf and tenantOf.';

/** The paths of settings that are not at their defaults, and that a simulation goes without. */
export function notModelled(config: GatewayConfig): string[] {
  return [
    ...changed(config, gatewaySection, GATEWAY),
    ...[...config.pools.values()].flatMap((pool: PoolConfig) => changed(pool, poolSection(pool.name), POOL)),
    ...[...config.routes.values()].flatMap(ofRoute),
  ];
}

function ofRoute(route: RouteConfig): string[] {
  const section = routeSection(route.name);
  const functions = FUNCTIONS.filter((key) => route[key] !== undefined);
  return [...changed(route, section, ROUTE), ...functions.map((key) => section.pathPrefix + key)];
}

function changed<Values extends object>(
  values: Values,
  { pathPrefix, fields }: Section<Values>,
  keys: readonly (keyof Values & string)[],
): string[] {
  return keys
    .filter((key) => {
      const { default: usual }: Field<unknown> = fields[key];
      return values[key] !== undefined && values[key] !== usual;
    })
    .map((key) => pathPrefix + key);
}

/** Pools whose seats are set to adapt, where the seats of a log are followed instead. */
export function adaptivePools({ pools }: GatewaySettings): string[] {
  return pools
    .filter(({ adaptiveFrom }) => adaptiveFrom !== undefined)
    .map(({ name }) => `${poolSection(name).pathPrefix}adaptive`);
}

/** Limits per caller on routes that only streams without tenants call: nobody is told apart there. */
export function callersUnknown({ routes }: GatewaySettings, streams: readonly Stream[]): string[] {
  return routes
    .filter(({ name, perCaller }) => {
      const calling = streams.filter(({ route }) => route === name);
      return perCaller !== undefined && calling.some(({ tenants }) => tenants === undefined);
    })
    .map(({ name }) => `${routeSection(name).pathPrefix}perCaller (for streams without tenants)`);
}

/** A line about settings that were left out; none where there are none. */
export function notModelledText(name: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const verb = paths.length === 1 ? 'is set and not modelled' : 'are set and not modelled';
  return [`sluice: ${name}: ${paths.join(', ')} ${verb}: the answer is without ${paths.length === 1 ? 'it' : 'them'}`];
}
