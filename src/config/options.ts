import type { PoolOptions } from './pool-options.js';
import type { RouteOptions } from './route-options.js';

export type { PoolOptions, PoolProfile } from './pool-options.js';
export type { DisconnectPolicy, PerCallerOptions, RouteOptions } from './route-options.js';

/**
 * What a gateway does: `enforce` admits, queues and sheds; `observe` refuses nothing and counts what it would have
 * done; `off` passes everything through.
 */
export type Mode = 'enforce' | 'observe' | 'off';

/**
 * What the code says about a gateway. Every field but `pools` and `routes` can be set, and is overridden, by its
 * environment variable: `SLUICE_` and the field's name in upper snake case. An explicit `undefined` is the same as
 * leaving the field out.
 */
export interface GatewayOptions<RouteName extends string = string, PoolName extends string = string> {
  /** Whether decisions are enforced. Default `enforce`. */
  readonly mode?: Mode | undefined;
  /**
   * `redis://` or `rediss://` URL of the server over which the instances of a fleet share their limits; needs the
   * package `ioredis`. A secret. Default: `REDIS_URL`.
   */
  readonly redisUrl?: string | undefined;
  /** Instances of one name share their limits; 1 to 63 printable ASCII characters. Default `applicationName`. */
  readonly fleetName?: string | undefined;
  /** About how often Redis hears of the tokens that were spent, in ms, 10 to 1,000. Default 50. */
  readonly fleetSyncMs?: number | undefined;
  /**
   * Refill rate of a token bucket of all routes together, in requests per second, above 0 up to 10,000,000. Default: no
   * rate limit.
   */
  readonly ratePerSecond?: number | undefined;
  /**
   * Capacity of that bucket, in requests, 1 to 100,000,000. A tenth of it is kept from the class `high`, three tenths
   * from `normal` and half from `low`. Default `ratePerSecond`, at least 1.
   */
  readonly burst?: number | undefined;
  /** What the database server shows as the name of every session; 1 to 63 printable ASCII characters. Default `sluice`. */
  readonly applicationName?: string | undefined;
  /**
   * Processes that share the database server's connections, 1 to 10,000. Where they meet in a Redis, those that live
   * are counted, and this is what limits and connections are divided by until it has answered for the first time.
   * Default 1.
   */
  readonly instances?: number | undefined;
  /** Share of the server's `max_connections` that stays free, 0.1 to 0.2. Default 0.15. */
  readonly budgetReserve?: number | undefined;
  /** Request headers that may shorten a deadline, at most 16. Default `['x-request-timeout-ms']`. */
  readonly budgetHeaders?: readonly string[] | undefined;
  /** Request header that may lower a request's class. Default: none is read. */
  readonly priorityHeader?: string | undefined;
  /** Whether answers, refusals for a rate among them, carry `RateLimit` and `RateLimit-Policy`. Default true. */
  readonly rateLimitHeaders?: boolean | undefined;
  /**
   * Whether answers carry `Server-Timing`: queue wait, waits for connections, statements and total, in ms. Default
   * false: times tell outsiders how busy the database is. `problemDetails` keeps them from some.
   */
  readonly serverTiming?: boolean | undefined;
  /** How long a draining process still admits after readiness turned 503, in ms, 0 to 600,000. Default 5,000. */
  readonly readinessDelayMs?: number | undefined;
  /** How long draining waits for requests in flight before it cancels them, in ms, 0 to 600,000. Default 10,000. */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * A client that takes nothing of an answer that is there for so long is cut off, in ms, up to 3,600,000; 0 never. The
   * system's buffers hide what is read until some of it is gone, up to a megabyte or two. While the handler holds a
   * connection of the database behind it, 8,192 bytes a second have to be taken. Default 30,000.
   */
  readonly writeTimeoutMs?: number | undefined;
  /** Event-loop lag from which requests are shed as `overloaded`, in ms, up to 60,000; 0 never. Default 200. */
  readonly maxEventLoopLagMs?: number | undefined;
  /** Records that the decision log keeps, 48 bytes each, up to 10,000,000 (at least 1,024 are kept); 0 for no log. Default 0. */
  readonly decisionLogRecords?: number | undefined;
  /** The database pools, by name: a lower-case letter, then up to 63 letters and digits. Default: none. */
  readonly pools?: Readonly<Record<PoolName, PoolOptions<NoInfer<PoolName>>>> | undefined;
  /** The routes, by name (as for pools); at least one. */
  readonly routes: Readonly<Record<RouteName, RouteOptions<NoInfer<PoolName>>>>;
}
