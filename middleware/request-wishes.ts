import type { Request } from 'express';
import { parsePriority, type RequestWishes } from '../src/gateway/route-entry.js';
import type { RouteRuntime } from '../src/gateway/route-runtime.js';
import type { Gateway } from '../src/gateway.js';
import { parseBudget } from './budget-header.js';

/** What a request asks for, and whose it is: read from its headers before its body. */
export function wishesOf(req: Request, { config }: Gateway, { config: route, stats }: RouteRuntime): RequestWishes {
  const { budgetHeaders, priorityHeader } = config;
  const { costOf, tenantOf, perCaller } = route;
  let budgetMs: number | undefined;
  for (const name of budgetHeaders) {
    const value = req.headers[name];
    if (value === undefined) continue;
    const budget = parseBudget(value);
    if (budget === 'malformed') stats.ignoreBudget();
    else if (budget !== undefined) budgetMs = Math.min(budget, budgetMs ?? budget);
  }
  return {
    budgetMs,
    priority: priorityHeader === undefined ? undefined : parsePriority(req.headers[priorityHeader]),
    callerKey: perCaller === undefined ? undefined : keyOf(perCaller.key(req), route.name, 'perCaller.key'),
    tenant: tenantOf === undefined ? undefined : keyOf(tenantOf(req), route.name, 'tenantOf'),
    seats: costOf?.(req),
  };
}

/** A key that the application gives: numbers are taken for their digits, as JavaScript without types would have it. */
function keyOf(value: unknown, route: string, field: string): string | undefined {
  if (typeof value === 'string' || value === undefined) return value;
  if (value === null) return undefined;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const found = Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  throw new TypeError(`routes.${route}.${field} returned ${found}: return a string, or undefined for none`);
}
