import type { GatewayConfig, RouteConfig } from '../config/config.js';
import { serverOf } from './server-names.js';

type Value = string | number | boolean | null;

/** What a configuration says that instances of one fleet should agree on, by its path: `pools.checkout.max`. */
export type FleetFields = Readonly<Record<string, Value>>;

/** What is shared, and which of two values is stricter; what is not here each instance keeps for itself. */
const STRICTER: Readonly<Record<string, 'least' | 'most'>> = {
  ratePerSecond: 'least',
  burst: 'least',
  max: 'least',
  fleetMaxConcurrent: 'least',
  budgetReserve: 'most',
};

/** Nothing in it is secret, for it is written where the fleet meets: servers are named by host and port only. */
export function fleetFields(config: GatewayConfig): FleetFields {
  const { mode, instances, budgetReserve, ratePerSecond, burst, fleetSyncMs } = config;
  return Object.fromEntries([
    ...paths('', { mode, instances, budgetReserve, ratePerSecond, burst, fleetSyncMs }),
    ...[...config.pools.values()].flatMap(({ name, max, poolerSize, url }) =>
      paths(`pools.${name}.`, { max, poolerSize, server: serverOf(url) }),
    ),
    ...[...config.routes.values()].flatMap((route) => paths(`routes.${route.name}.`, routeFields(route))),
  ]);
}

function routeFields(route: RouteConfig): Readonly<Record<string, Value | undefined>> {
  const { pool, priority, deadlineMs, fleetWide, fleetMaxConcurrent, ratePerSecond, burst, perCaller } = route;
  return {
    pool,
    priority,
    deadlineMs,
    ratePerSecond,
    ...(ratePerSecond === undefined ? {} : { burst }),
    ...(ratePerSecond === undefined && perCaller === undefined ? {} : { fleetWide: fleetWide !== false }),
    'perCaller.ratePerSecond': perCaller?.ratePerSecond,
    'perCaller.burst': perCaller?.burst,
    fleetMaxConcurrent,
  };
}

function paths(prefix: string, values: Readonly<Record<string, Value | undefined>>): [string, Value][] {
  return Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value ?? null]);
}

/** As text, the same for the same fields. */
export function fieldsText(fields: FleetFields): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** What {@link fieldsText} made; nothing where it is no such text. */
export function readFields(text: string): FleetFields {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as FleetFields) : {};
  } catch {
    return {};
  }
}

/**
 * Where an instance disagrees with others, field by field and in words, and which routes and pools only some of them
 * have; empty where it does not.
 */
export function disagreements(mine: FleetFields, others: readonly FleetFields[]): string[] {
  const own = partsOf(mine);
  const missing = [...new Set(others.flatMap((other) => [...partsOf(other)]))].filter((part) => !own.has(part));
  const alone = [...own].filter((part) => others.some((other) => !partsOf(other).has(part)));
  return [
    ...missing.map((part) => `${part} is not here, but elsewhere`),
    ...alone.map((part) => `${part} is here, but not everywhere`),
    ...different(mine, others),
  ];
}

/** Routes and pools, by path: `routes.checkout`. */
function partsOf(fields: FleetFields): ReadonlySet<string> {
  return new Set(Object.keys(fields).flatMap((path) => /^(?:routes|pools)\.[^.]+/.exec(path)?.[0] ?? []));
}

function different(mine: FleetFields, others: readonly FleetFields[]): string[] {
  return Object.entries(mine).flatMap(([path, value]) => {
    const theirsToo = others.flatMap((other) => {
      const theirs = other[path];
      return theirs === undefined || theirs === value ? [] : [theirs];
    });
    if (theirsToo.length === 0) return [];
    const elsewhere = [...new Set(theirsToo)].map(show).join(' or ');
    return [`${path} is ${show(value)} here and ${elsewhere} elsewhere (${verdict(path, [value, ...theirsToo])})`];
  });
}

/** The strictest value of a shared field: the own one where nobody says anything stricter. */
export function strictest(path: string, mine: number, others: readonly FleetFields[]): number {
  const theirs = others.map((other) => other[path]).filter((value) => typeof value === 'number');
  // Whoever writes where the fleet meets may write anything.
  const values = [mine, ...theirs.filter((value) => value > 0)];
  return ruleOf(path) === 'most' ? Math.max(...values) : Math.min(...values);
}

function verdict(path: string, values: readonly Value[]): string {
  const numbers = values.filter((value) => typeof value === 'number');
  const rule = ruleOf(path);
  if (rule === undefined || numbers.length < values.length) return 'each keeps its own';
  return `${rule === 'most' ? Math.max(...numbers) : Math.min(...numbers)} holds`;
}

function ruleOf(path: string): 'least' | 'most' | undefined {
  return STRICTER[path.slice(path.lastIndexOf('.') + 1)];
}

function show(value: Value): string {
  return value === null ? 'none' : String(value);
}
