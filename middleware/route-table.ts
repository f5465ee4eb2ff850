import express, { type RequestHandler, type Router } from 'express';
import type { Gateway } from '../src/gateway.js';
import { type ProtectOptions, protect } from './guard.js';

/** Methods that a table may name. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'all'] as const;

/** A route by name, or with the options of its guard. */
export type RouteTableEntry<RouteName extends string> = RouteName | (ProtectOptions & { readonly route: RouteName });

/** Options of {@link routeTable}. */
export interface RouteTableOptions {
  /** A router to use instead of a new one of the installed Express, for example with `caseSensitive`. */
  readonly router?: Router;
}

/**
 * Guards an application that cannot touch each of its routes: one `app.use` before them, with a table of
 * `method + path`. A real router resolves it, so that a path means here what it means in the application. What stands
 * in no row passes unguarded.
 *
 * @param table - For example `{ 'POST /checkout': 'checkout', 'GET /reports/:name': { route: 'report' } }`.
 * @throws TypeError for a row that is not `METHOD /path`; RangeError for a route that is not configured.
 */
export function routeTable<RouteName extends string>(
  gateway: Gateway<RouteName>,
  table: Readonly<Record<string, RouteTableEntry<NoInfer<RouteName>>>>,
  options: RouteTableOptions = {},
): RequestHandler {
  const router = options.router ?? express.Router();
  for (const [row, entry] of Object.entries(table)) {
    const { method, path } = readRow(row);
    const guard = typeof entry === 'string' ? protect(gateway, entry) : protect(gateway, entry.route, entry);
    router[method](path, guard);
  }
  return router;
}

function readRow(row: string): { method: (typeof METHODS)[number]; path: string } {
  const [name, path, ...rest] = row.trim().split(/\s+/);
  const method = METHODS.find((known) => known === name?.toLowerCase());
  if (method === undefined || path === undefined || !path.startsWith('/') || rest.length > 0) {
    throw new TypeError(
      `"${row}" is not a row of a route table: write a method (${METHODS.join(', ').toUpperCase()}), a space and a path`,
    );
  }
  return { method, path };
}
