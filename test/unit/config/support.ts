import type { GatewayOptions } from '../../../src/config/options.js';
import { ConfigError, type ConfigProblem, formatProblem } from '../../../src/config/problem.js';
import type { Environment } from '../../../src/config/reading.js';
import { resolveConfig } from '../../../src/config/resolve.js';

/** A server that no test connects to. */
export const SERVER = 'postgres://app@127.0.0.1/shop';

/** The smallest application with a pool of each kind and a bucket per caller. */
export const SHOP: GatewayOptions = {
  pools: { checkout: { url: SERVER, max: 16 }, reports: { url: SERVER, max: 4 } },
  routes: {
    checkout: { pool: 'checkout', priority: 'critical', ratePerSecond: 400, burst: 800, deadlineMs: 500 },
    salesReport: {
      pool: 'reports',
      ratePerSecond: 10,
      perCaller: { key: () => 'somebody', ratePerSecond: 5 },
    },
    health: { concurrency: 4 },
  },
};

/** What an application without types can say. */
export type Untyped = Readonly<Record<string, unknown>>;

/** The mistakes that are found; none when the configuration resolves. Any other error is passed on. */
export function problemsOf(code: GatewayOptions | Untyped, env: Environment = {}): readonly ConfigProblem[] {
  try {
    // The point of a resolver is that it also meets what the types forbid.
    resolveConfig(code as GatewayOptions, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The mistakes as lines of text. */
export function linesOf(code: GatewayOptions | Untyped, env: Environment = {}): string[] {
  return problemsOf(code, env).map(formatProblem);
}

/** One route without a database, and these fields. */
export function withRoute(route: Untyped): Untyped {
  return { routes: { only: route } };
}

/** One pool with a server, these fields, and a route on it. */
export function withPool(pool: Untyped): Untyped {
  return { pools: { only: { url: SERVER, ...pool } }, routes: { only: { pool: 'only' } } };
}
