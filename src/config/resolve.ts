import { checkFunction, checkGateway, checkPool, checkRoute } from './checks.js';
import type {
  GatewayConfig,
  GatewayValues,
  PerCallerConfig,
  PerCallerValues,
  PoolConfig,
  PoolFunction,
  PoolValues,
  RouteConfig,
  RouteFunction,
  RouteValues,
} from './config.js';
import { checkTogether, seatsOf, type Whole } from './contradictions.js';
import { checkVariables } from './environment.js';
import { frozenMap, sealed } from './freeze.js';
import { maskText, maskUrl } from './mask.js';
import type { GatewayOptions } from './options.js';
import { ConfigError } from './problem.js';
import { poolPresets, routePresets } from './profiles.js';
import { type Environment, Reading, type Unchecked } from './reading.js';
import { gatewaySection, perCallerSection, poolSection, routeSection } from './section.js';
import { readNamed, readObject } from './shape.js';

const NO_FIELDS: Unchecked = {};
const POOL_FUNCTIONS: readonly PoolFunction[] = ['password'];
const FUNCTIONS: readonly RouteFunction[] = ['costOf', 'tenantOf'];

/**
 * The effective configuration: environment over code over default, checked as a whole. Reads nothing but its
 * arguments and changes neither.
 *
 * @param code - What the application says.
 * @param env - The variables, usually `process.env`. Those that do not begin with `SLUICE_` are ignored, except
 *   `DATABASE_URL` and `REDIS_URL`, which serve where no URL of our own is set.
 * @throws {@link ConfigError} with every mistake in both.
 */
export function resolveConfig(code: GatewayOptions, env: Environment): GatewayConfig {
  const reading = new Reading(env);
  const all = readObject(code, 'options', reading) ?? NO_FIELDS;
  const pools = readNamed('pools', all.pools ?? {}, reading);
  const routes = readNamed('routes', all.routes ?? {}, reading);
  if (Object.keys(all.routes ?? {}).length === 0) {
    reading.problems.push({ where: 'routes', remedy: 'name at least one route' });
  }
  reading.unknownKeys(all, [...Object.keys(gatewaySection.fields), 'pools', 'routes'], '');

  const gatewayValues = reading.section(gatewaySection, all);
  checkGateway(gatewayValues, reading);
  const poolParts = mapValues(pools, (name, own) => readPool(name, own, reading));
  const poolValues = mapValues(poolParts, (_, { values }) => values);
  const poolNames = Object.keys(all.pools ?? {});
  const routeParts = mapValues(routes, (name, own) => readRoute(name, own, poolNames, poolValues, reading));
  checkTogether({ pools: poolValues, routes: mapValues(routeParts, (_, { values }) => values) }, reading);
  const keyed = new Set([...routeParts].filter(([, part]) => part.perCaller !== undefined).map(([name]) => name));
  checkVariables({ pools: [...pools.keys()], routes: [...routes.keys()], keyed }, env, reading);

  if (reading.problems.length > 0) throw new ConfigError(reading.problems);
  return complete(gatewayValues, poolParts, routeParts, reading);
}

function mapValues<From, To>(
  map: ReadonlyMap<string, From>,
  change: (name: string, value: From) => To,
): Map<string, To> {
  return new Map(Array.from(map, ([name, value]) => [name, change(name, value)]));
}

interface PoolPart {
  readonly values: Partial<PoolValues>;
  readonly functions: Pick<PoolConfig, PoolFunction>;
}

function readPool(name: string, code: Unchecked, reading: Reading): PoolPart {
  const section = poolSection(name);
  reading.unknownKeys(code, [...Object.keys(section.fields), ...POOL_FUNCTIONS], section.pathPrefix);
  const values = reading.section(section, code, poolPresets);
  checkPool(name, values, reading);
  const { password } = code;
  const path = `${section.pathPrefix}password`;
  // A password that was given as a text must not be shown as a mistaken value.
  if (typeof password === 'string') {
    const remedy = 'a password belongs into the url; use a function that gives the password';
    reading.problems.push({ where: path, remedy });
  } else if (
    password !== undefined &&
    checkFunction<NonNullable<PoolConfig['password']>>(password, path, 'gives the password', reading)
  ) {
    return { values, functions: { password } };
  }
  return { values, functions: {} };
}

/** What was read of a route; `perCaller` is there as soon as the code names it, mistaken or not. */
interface RoutePart {
  readonly values: Partial<RouteValues>;
  readonly functions: Pick<RouteConfig, RouteFunction>;
  readonly perCaller?: { readonly key?: PerCallerConfig['key']; readonly values: Partial<PerCallerValues> };
}

function readRoute(
  name: string,
  code: Unchecked,
  pools: readonly string[],
  poolValues: Whole['pools'],
  reading: Reading,
): RoutePart {
  const section = routeSection(name);
  reading.unknownKeys(code, [...Object.keys(section.fields), ...FUNCTIONS, 'perCaller'], section.pathPrefix);
  const values = reading.section(section, code, ({ pool }) => routePresets(poolValues.get(pool ?? '')?.profile));
  checkRoute(name, values, pools, reading);
  const functions = readFunctions(code, section.pathPrefix, reading);
  if (code.perCaller === undefined) return { values, functions };
  return { values, functions, perCaller: readPerCaller(name, code.perCaller, reading) };
}

function readFunctions(code: Unchecked, pathPrefix: string, reading: Reading): RoutePart['functions'] {
  const { costOf, tenantOf } = code;
  const is = <Key extends RouteFunction>(key: Key, purpose: string): boolean =>
    code[key] !== undefined && checkFunction(code[key], pathPrefix + key, purpose, reading);
  return {
    ...(is('costOf', 'tells the seats of a request') ? { costOf: costOf as NonNullable<RouteConfig['costOf']> } : {}),
    ...(is('tenantOf', 'names the tenant of a request')
      ? { tenantOf: tenantOf as NonNullable<RouteConfig['tenantOf']> }
      : {}),
  };
}

function readPerCaller(name: string, code: unknown, reading: Reading): NonNullable<RoutePart['perCaller']> {
  const section = perCallerSection(name);
  const own = readObject(code, section.pathPrefix.slice(0, -1), reading);
  if (own === undefined) return { values: {} };
  reading.unknownKeys(own, [...Object.keys(section.fields), 'key'], section.pathPrefix);
  const values = reading.section(section, own);
  const ratePath = `${section.pathPrefix}ratePerSecond`;
  if (values.ratePerSecond === undefined && reading.sound(ratePath)) {
    const remedy = `no rate; set it in the code, or set ${section.variablePrefix}RATE_PER_SECOND`;
    reading.problems.push({ where: ratePath, remedy });
  }
  const keyPath = `${section.pathPrefix}key`;
  if (!checkFunction<PerCallerConfig['key']>(own.key, keyPath, 'names the caller of a request', reading))
    return { values };
  return { key: own.key, values };
}

/** The whole, once it is known to have no mistake: what a field has no default for is computed or optional. */
function complete(
  gateway: Partial<GatewayValues>,
  pools: ReadonlyMap<string, PoolPart>,
  routes: ReadonlyMap<string, RoutePart>,
  reading: Reading,
): GatewayConfig {
  const values = gateway as GatewayValues;
  const config: GatewayConfig = {
    ...values,
    fleetName: values.fleetName ?? values.applicationName,
    ...(values.ratePerSecond === undefined ? {} : { burst: burstOf(values) }),
    pools: frozenMap(mapValues(pools, completePool)),
    routes: frozenMap(mapValues(routes, completeRoute)),
    origins: frozenMap(mapValues(reading.origins, (_, origin) => Object.freeze(origin))),
  };
  const { origins: _origins, ...shown } = config;
  return sealed(config, () => ({
    ...shown,
    // A URL that strayed into a free text is as secret as in its place.
    applicationName: maskText(config.applicationName),
    fleetName: maskText(config.fleetName),
    ...(config.redisUrl === undefined ? {} : { redisUrl: maskUrl(config.redisUrl) }),
    pools: Object.fromEntries(config.pools),
    routes: Object.fromEntries(config.routes),
  }));
}

function completePool(name: string, { values: read, functions }: PoolPart): PoolConfig {
  const values = read as PoolValues;
  const pool: PoolConfig = {
    name,
    ...values,
    ...functions,
    minIdle: values.minIdle ?? (values.admin ? values.max : Math.min(2, values.max)),
    minSeats: values.minSeats ?? Math.min(2, seatsOf(values) ?? 1),
  };
  return sealed(pool, () => ({
    ...pool,
    ...maskedPaths(pool),
    url: maskUrl(pool.url),
    ...(pool.poolerAdminUrl === undefined ? {} : { poolerAdminUrl: maskUrl(pool.poolerAdminUrl) }),
  }));
}

/** A connection string that strayed into a path is as secret as in its place. */
function maskedPaths(pool: PoolConfig): Partial<PoolConfig> {
  const paths = ['tlsCa', 'tlsCert', 'tlsKey', 'tlsServerName'] as const;
  return Object.fromEntries(paths.flatMap((key) => (pool[key] === undefined ? [] : [[key, maskText(pool[key])]])));
}

function completeRoute(name: string, { values, functions, perCaller }: RoutePart): RouteConfig {
  const route: RouteConfig = {
    name,
    ...(values as RouteValues),
    ...functions,
    burst: burstOf(values as RouteValues),
    ...(perCaller === undefined ? {} : { perCaller: completePerCaller(perCaller as PerCallerPart) }),
  };
  return Object.freeze(route);
}

interface PerCallerPart {
  readonly key: PerCallerConfig['key'];
  readonly values: PerCallerValues;
}

function completePerCaller({ key, values }: PerCallerPart): PerCallerConfig {
  return Object.freeze({ key, ...values, burst: burstOf(values) });
}

/** What a second brings, where nothing else is said, and at least one request. */
function burstOf({ burst, ratePerSecond = 1 }: Partial<Pick<PerCallerValues, 'burst' | 'ratePerSecond'>>): number {
  return burst ?? Math.max(1, ratePerSecond);
}
