import type { IncomingMessage } from 'node:http';
import type { PriorityClass } from '../core/priority.js';

/**
 * What a gateway does: `enforce` admits, queues and sheds; `observe` refuses nothing and counts what it would have
 * done; `off` passes everything through.
 */
export type Mode = 'enforce' | 'observe' | 'off';

/** What happens to the work of a client that went away; never applied to a transaction whose COMMIT was sent. */
export type DisconnectPolicy = 'cancel' | 'finish';

/**
 * What a pool is for, where it serves no requests: `batch` and `migration` bring few connections, long deadlines and a
 * lock timeout that fits.
 */
export type PoolProfile = 'batch' | 'migration';

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
  /** Processes that share the database server's connections, 1 to 10,000. Default 1. */
  readonly instances?: number | undefined;
  /** Share of the server's `max_connections` that stays free, 0.1 to 0.2. Default 0.15. */
  readonly budgetReserve?: number | undefined;
  /** Request headers that may shorten a deadline, at most 16. Default `['x-request-timeout-ms']`. */
  readonly budgetHeaders?: readonly string[] | undefined;
  /** Request header that may lower a request's class. Default: none is read. */
  readonly priorityHeader?: string | undefined;
  /** Whether answers carry `RateLimit` and `RateLimit-Policy`. Default true. */
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
   * system's buffers hide what is read until some of it is gone, up to a megabyte or two. Default 30,000.
   */
  readonly writeTimeoutMs?: number | undefined;
  /** Event-loop lag from which requests are shed as `overloaded`, in ms, up to 60,000; 0 never. Default 200. */
  readonly maxEventLoopLagMs?: number | undefined;
  /** Records that the decision log keeps, 48 bytes each, up to 10,000,000 (at least 1,024 are kept); 0 for no log. Default 0. */
  readonly decisionLogRecords?: number | undefined;
  /** The database pools, by name: a lower-case letter, then up to 63 letters and digits. Default: none. */
  readonly pools?: Readonly<Record<PoolName, PoolOptions>> | undefined;
  /** The routes, by name (as for pools); at least one. */
  readonly routes: Readonly<Record<RouteName, RouteOptions<NoInfer<PoolName>>>>;
}

/** What the code says about one pool; overridden by `SLUICE_POOL_<NAME>_<FIELD>`. */
export interface PoolOptions {
  /**
   * URL of the server: `postgres://` or `postgresql://`, and with the package `mysql2` `mysql://` or `mariadb://`. A
   * secret. Default: `DATABASE_URL`; one of them must be set.
   */
  readonly url?: string | undefined;
  /**
   * Gives the password for each connection, in place of one in the URL; bounded by `connectTimeoutMs`. A function of the
   * code only. Default: none.
   */
  password?(): string | Promise<string>;
  /** Whether TLS is required even where the URL does not say so (`sslmode`). Default false. */
  readonly tls?: boolean | undefined;
  /** Path of the authorities' certificates (PEM) to trust instead of the system's; requires TLS. Default: none. */
  readonly tlsCa?: string | undefined;
  /** Path of the client's certificate (PEM); goes with `tlsKey`. Default: none. */
  readonly tlsCert?: string | undefined;
  /** Path of the key of `tlsCert` (PEM, without a passphrase). Default: none. */
  readonly tlsKey?: string | undefined;
  /** Name that the server's certificate must bear; requires TLS. Default: the host of the URL. */
  readonly tlsServerName?: string | undefined;
  /**
   * Whether this pool must always get in: it opens all its connections at the start and keeps them, so that nobody can
   * take their places. Default false.
   */
  readonly admin?: boolean | undefined;
  /**
   * What the pool is for, where it serves no requests; sets the defaults of other fields, each of which can still be set.
   * `batch`: `max` 2, `minIdle` 0, `lockTimeoutMs` 30,000, `rideOutMs` 30,000, and `deadlineMs` 600,000 of its routes.
   * `migration`: the same with `max` 1, `lockTimeoutMs` 2,000, `deadlineMs` 3,600,000. Default: none.
   */
  readonly profile?: PoolProfile | undefined;
  /**
   * What stands between this pool and its server: `pgbouncer` in transaction mode (pgcat and Odyssey go the same way),
   * `none`, or `auto` to find it out at the first connection. Default `auto`.
   */
  readonly pooler?: 'auto' | 'pgbouncer' | 'none' | undefined;
  /**
   * Connections that the pooler has to the server for this user and database, 1 to 10,000: `pool_size` and the reserve
   * of PgBouncer. Pools that share them, in all instances, may not ask for more. Default: read with `poolerAdminUrl`.
   */
  readonly poolerSize?: number | undefined;
  /**
   * URL of the pooler's console, for example `postgres://stats:…@pooler:6432/pgbouncer`; a user of `stats_users` is
   * enough. With it the pooler's mode, size and figures are read. A secret. Default: none.
   */
  readonly poolerAdminUrl?: string | undefined;
  /** Connections at most, 1 to 1,000. Default 10. */
  readonly max?: number | undefined;
  /** Connections kept open while idle, 0 to `max`. Default 2, or `max` where that is less. */
  readonly minIdle?: number | undefined;
  /** Bound of one connection attempt, in ms, 1 to 60,000. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Idle time after which a connection above `minIdle` is closed, in ms, up to 86,400,000; 0 never. Default 60,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Age at which a connection is replaced, in ms, up to 604,800,000; 0 never. Default 1,800,000. */
  readonly maxLifetimeMs?: number | undefined;
  /** Idle time after which a connection is checked before it is lent, in ms, 0 to 86,400,000. Default 5,000. */
  readonly validateAfterIdleMs?: number | undefined;
  /** How long a statement may wait for a lock, in ms, up to 3,600,000; 0 is the server's own setting. Default 0. */
  readonly lockTimeoutMs?: number | undefined;
  /**
   * Bytes that the answer to one statement may have, as they come from the server, up to 1,099,511,627,776; more ends the
   * statement with a `ResultTooLargeError`, and 0 sets no bound. Default 67,108,864.
   */
  readonly maxResultBytes?: number | undefined;
  /** How long tickets may wait for a server that is down, from the start of the outage, in ms, 0 to 60,000. Default 2,000. */
  readonly rideOutMs?: number | undefined;
  /** Share of a request's time that holds a connection, above 0 up to 1: seats are `max` divided by it. Default 1. */
  readonly operationsPerRequest?: number | undefined;
  /** Seats that lower classes leave to the critical class, 0 to `max`. Default: computed from what is measured. */
  readonly headroom?: number | undefined;
  /** Largest share of seat time for the critical class, 0 to 1; with the minima at most 1. Default 0.9. */
  readonly capCritical?: number | undefined;
  /** Smallest share of seat time for a backlogged high class, 0 to 1. Default 0.06. */
  readonly minHigh?: number | undefined;
  /** Smallest share of seat time for a backlogged normal class, 0 to 1. Default 0.03. */
  readonly minNormal?: number | undefined;
  /** Smallest share of seat time for a backlogged low class, 0 to 1. Default 0.01. */
  readonly minLow?: number | undefined;
  /** Seats that the pool keeps however much it adapts or yields, 1 to 1,000. Default 2, or its seats where those are fewer. */
  readonly minSeats?: number | undefined;
  /** Whether the concurrency limit adapts to what the server bears, between `minSeats` and the seats. Default false. */
  readonly adaptive?: boolean | undefined;
  /** Pool of the same server to which this one gives way while that one misses `targetMs`. Default: none. */
  readonly yieldsTo?: string | undefined;
  /** Database time (p99) that the pool of `yieldsTo` is to keep, in ms, 1 to 3,600,000. Default: 2 × its quiet p99. */
  readonly targetMs?: number | undefined;
  /** Requests that wait for the pool at most, whatever each of its routes may queue, 1 to 1,000,000. Default 10,000. */
  readonly maxQueued?: number | undefined;
  /** Tenants whose shares are kept apart in a class at once, 1 to 100,000. Default 1,024. */
  readonly maxTenants?: number | undefined;
  /** Whether work that cannot be done in time is refused rather than tried. Default true. */
  readonly feasibility?: boolean | undefined;
  /** Whether a class that stands in its queue is served newest first. Default true. */
  readonly lifo?: boolean | undefined;
  /** Whether the oldest of an overlong queue leaves for a newcomer. Default true. */
  readonly eviction?: boolean | undefined;
  /** Whether a more important arrival takes the place of a less important one in a full queue. Default true. */
  readonly displacement?: boolean | undefined;
  /** Whether the pool has a circuit breaker. Default true. */
  readonly breaker?: boolean | undefined;
  /** Share of failing database work that opens the breaker, in percent, 1 to 100. Default 50. */
  readonly breakerErrorPercent?: number | undefined;
  /** Share of database work that is cut off at its deadline from which the breaker opens, in percent, 1 to 100. Default 50. */
  readonly breakerSlowPercent?: number | undefined;
  /** Calls within the window below which the breaker stays closed, 1 to 100,000. Default 20. */
  readonly breakerMinimumCalls?: number | undefined;
  /** Length of the window in which the breaker counts, in ms, 100 to 600,000. Default 5,000. */
  readonly breakerWindowMs?: number | undefined;
  /** How long an open breaker waits for its first probe, in ms, 10 to 600,000. Default 500. */
  readonly breakerResetMs?: number | undefined;
  /**
   * Length of each step in which a closing breaker lets more through (5 %, then twice as much a step, the most important
   * class first), in ms, up to 60,000; 0 closes it at its first good probe. Default 1,000.
   */
  readonly breakerRampMs?: number | undefined;
}

/** What the code says about one route; overridden by `SLUICE_ROUTE_<NAME>_<FIELD>`. */
export interface RouteOptions<PoolName extends string = string> {
  /** Name of the pool that serves the route. Default: none, and the route has no database. */
  readonly pool?: PoolName | undefined;
  /** Priority class. Default `normal`. */
  readonly priority?: PriorityClass | undefined;
  /** Refill rate of the route's token bucket, in requests per second, above 0 up to 1,000,000. Default: no rate limit. */
  readonly ratePerSecond?: number | undefined;
  /** Capacity of the token bucket, in requests, 1 to 10,000,000. Default `ratePerSecond`, at least 1. */
  readonly burst?: number | undefined;
  /** Whether the route's rate limits hold for all instances together. Default true where there is a Redis. */
  readonly fleetWide?: boolean | undefined;
  /**
   * Requests of this route at work in all instances together, 1 to 100,000; needs a Redis and a `ratePerSecond`, and is
   * not for the critical class. Default: none.
   */
  readonly fleetMaxConcurrent?: number | undefined;
  /** Time from arrival to deadline, in ms, 1 to 3,600,000. Default 10,000. */
  readonly deadlineMs?: number | undefined;
  /**
   * Time of every day in which the route serves, for example `22:00-06:00`; not for the critical class. What comes at
   * another time is refused as `outside_window`, with the wait for the next opening. Default: always.
   */
  readonly window?: string | undefined;
  /** Time zone of `window`, a name of the IANA database. Default: that of the process. */
  readonly timeZone?: string | undefined;
  /** Requests queued at most, 0 to 1,000,000. Default 1,000. */
  readonly maxQueued?: number | undefined;
  /** Concurrency limit of a route without a pool, 1 to 100,000. Default: none. */
  readonly concurrency?: number | undefined;
  /** Whether the deadline ends at the first byte of the answer. Default false. */
  readonly stream?: boolean | undefined;
  /** What happens to the work of a client that went away. Default `cancel`. */
  readonly onDisconnect?: DisconnectPolicy | undefined;
  /** How long past the deadline a COMMIT that was sent may take to answer, in ms, 0 to 60,000. Default 100. */
  readonly commitGraceMs?: number | undefined;
  /** Service time to expect before any is measured, in ms, above 0 up to 3,600,000. Default: none. */
  readonly expectedMs?: number | undefined;
  /** Seats that a request takes, 1 to 1,000; not more than the pool has. Default 1. */
  readonly cost?: number | undefined;
  // Methods, not function properties: their parameter is bivariant, so a function of an Express request fits.
  /**
   * The seats that this request takes: a whole number from 1; anything else, and `undefined`, counts as `cost`, and more
   * seats than the pool has count as all of them. A function that throws, or returns a promise or another value that is
   * no number, counts as one that returned `undefined`; a warning `cost_unusable` says so once.
   */
  costOf?(request: IncomingMessage): number | undefined;
  /**
   * Names the tenant of a request, for fair shares within its class; `undefined` for the share of those without name.
   * A function that throws, or returns a promise or another value that is no string or number, counts as one that
   * returned `undefined`; a warning `tenant_unusable` says so once.
   */
  tenantOf?(request: IncomingMessage): string | undefined;
  /** A second token bucket for each caller. Default: none. */
  readonly perCaller?: PerCallerOptions | undefined;
}

/** A token bucket per caller; its numbers are overridden by `SLUICE_ROUTE_<NAME>_PER_CALLER_<FIELD>`. */
export interface PerCallerOptions {
  // A method, not a function property: its parameter is bivariant, so a function of an Express request fits.
  /**
   * Names the caller of a request; `undefined` leaves the request to the route's own bucket. A function that throws, or
   * returns a promise or another value that is no string or number, counts as one that returned `undefined`; a warning
   * `caller_key_unusable` says so once.
   */
  key(request: IncomingMessage): string | undefined;
  /** Refill rate of each caller's bucket, in requests per second, above 0 up to 1,000,000. Here or in the environment. */
  readonly ratePerSecond?: number | undefined;
  /** Capacity of each caller's bucket, in requests, 1 to 10,000,000. Default `ratePerSecond`, at least 1. */
  readonly burst?: number | undefined;
  /** Callers remembered at once, 1 to 1,000,000. Default 10,000. */
  readonly maxKeys?: number | undefined;
}
