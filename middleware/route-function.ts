import type { RouteConfig } from '../src/config/config.js';
import type { Gateway } from '../src/gateway.js';
import { kindOf } from '../src/telemetry/quietly.js';

/** A function of the application that says something about a request, and what happens where it says nothing usable. */
export interface RouteFunction<T> {
  /** The field of the route that it stands in. */
  readonly field: string;
  /** Of the warning; stable. */
  readonly code: string;
  /** The value as it is used; `undefined` where it cannot be. */
  readonly read: (value: unknown) => T | undefined;
  /** What it should return. */
  readonly wanted: string;
  /** What becomes of requests of which it said nothing usable. */
  readonly meanwhile: string;
}

/** Functions that were complained about, by the route that has them; a route that is gone takes its entry along. */
const complained = new WeakMap<RouteConfig, Set<string>>();

/**
 * Asks a function of the application about a request. One that throws, or returns what cannot be used, counts as one
 * that returned `undefined`: its mistake is worth a warning, once, and never the request.
 */
export function toldOnce<T>(
  gateway: Gateway,
  route: RouteConfig,
  which: RouteFunction<T>,
  call: () => unknown,
): T | undefined {
  let found: string;
  let err: unknown;
  try {
    const value = call();
    if (value === undefined || value === null) return undefined;
    const read = which.read(value);
    if (read !== undefined) return read;
    found = `returned ${kindOf(value)}`;
  } catch (error) {
    // What it says may hold data of the request: it goes to loggers that take fields, and into no sentence.
    err = error;
    found = `threw ${error instanceof Error ? error.name : kindOf(error)}`;
  }
  complain(gateway, route, which, found, err);
  return undefined;
}

function complain<T>(
  { logger }: Gateway,
  route: RouteConfig,
  { field, code, wanted, meanwhile }: RouteFunction<T>,
  found: string,
  err: unknown,
): void {
  const known = complained.get(route) ?? new Set();
  if (known.has(field)) return;
  complained.set(route, known.add(field));
  const about = { code, route: route.name, ...(err === undefined ? {} : { err }) };
  logger.warn(
    about,
    `routes.${route.name}.${field} ${found}: return ${wanted}. Such requests go on, but ${meanwhile}; this is said once`,
  );
}
