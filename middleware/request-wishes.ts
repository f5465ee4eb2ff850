import type { Request } from 'express';
import { parsePriority, type RequestWishes } from '../src/gateway/route-entry.js';
import type { RouteRuntime } from '../src/gateway/route-runtime.js';
import type { Gateway } from '../src/gateway.js';
import { parseBudget } from './budget-header.js';
import { type RouteFunction, toldOnce } from './route-function.js';

/** What a request asks for, and whose it is: read from its headers before its body. */
export function wishesOf(req: Request, gateway: Gateway, { config: route, stats }: RouteRuntime): RequestWishes {
  const { budgetHeaders, priorityHeader } = gateway.config;
  const { costOf, tenantOf, perCaller } = route;
  let budgetMs: number | undefined;
  for (const name of budgetHeaders) {
    const value = req.headers[name];
    if (value === undefined) continue;
    const budget = parseBudget(value);
    if (budget === 'malformed') stats.ignoreBudget();
    else if (budget !== undefined) budgetMs = Math.min(budget, budgetMs ?? budget);
  }
  const ask = <T>(which: RouteFunction<T>, call: () => unknown): T | undefined => toldOnce(gateway, route, which, call);
  return {
    budgetMs,
    priority: priorityHeader === undefined ? undefined : parsePriority(req.headers[priorityHeader]),
    callerKey: perCaller === undefined ? undefined : ask(CALLER_KEY, () => perCaller.key(req)),
    tenant: tenantOf === undefined ? undefined : ask(TENANT, () => tenantOf(req)),
    seats: costOf === undefined ? undefined : ask(COST, () => costOf(req)),
  };
}

const CALLER_KEY: RouteFunction<string> = {
  field: 'perCaller.key',
  code: 'caller_key_unusable',
  read: keyOf,
  wanted: 'a string, or undefined for none, at once',
  meanwhile: 'they count for no caller, and only the bucket of the route holds them back',
};

const TENANT: RouteFunction<string> = {
  field: 'tenantOf',
  code: 'tenant_unusable',
  read: keyOf,
  wanted: 'a string, or undefined for none, at once',
  meanwhile: 'they count for no tenant',
};

const COST: RouteFunction<number> = {
  field: 'costOf',
  code: 'cost_unusable',
  // What is no whole number from 1 is left to the ticket, which takes the cost of the route.
  read: (value) => (typeof value === 'number' ? value : undefined),
  wanted: 'a whole number from 1, or undefined for the cost of the route, at once',
  meanwhile: 'they take the cost of the route',
};

/** A key that the application gives: numbers are taken for their digits, as JavaScript without types would have it. */
function keyOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}
