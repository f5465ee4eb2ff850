import type { IncomingMessage } from 'node:http';
import type { PriorityClass } from '../core/priority.js';
import type { DisconnectPolicy, Mode, PoolProfile } from './options.js';

/**
 * Where a value came from; `fallback` is a variable that other programs share, such as `DATABASE_URL`, and `profile`
 * the profile of the pool.
 */
export type Origin = 'default' | 'profile' | 'code' | 'environment' | 'fallback';

/** Where one value came from, and by which variable. */
export interface ValueOrigin {
  readonly origin: Origin;
  /** The variable that gave the value, where one did. */
  readonly variable?: string;
}

/**
 * The effective configuration: complete, checked and frozen, maps included. Printing it (`console.log`,
 * `JSON.stringify`) shows secrets masked. The fields are those of `GatewayOptions`, with the same units and ranges.
 */
export interface GatewayConfig {
  readonly mode: Mode;
  /** A secret. */
  readonly redisUrl?: string;
  readonly fleetName: string;
  readonly fleetSyncMs: number;
  /** Absent: all routes together have no rate limit. */
  readonly ratePerSecond?: number;
  /** Present with `ratePerSecond`. */
  readonly burst?: number;
  readonly applicationName: string;
  readonly instances: number;
  readonly budgetReserve: number;
  /** Lower case, without duplicates. */
  readonly budgetHeaders: readonly string[];
  /** Lower case. */
  readonly priorityHeader?: string;
  readonly rateLimitHeaders: boolean;
  readonly serverTiming: boolean;
  readonly readinessDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly maxEventLoopLagMs: number;
  readonly decisionLogRecords: number;
  readonly pools: ReadonlyMap<string, PoolConfig>;
  readonly routes: ReadonlyMap<string, RouteConfig>;
  /** Where each value came from, by its path in the code: `mode`, `routes.checkout.burst`. */
  readonly origins: ReadonlyMap<string, ValueOrigin>;
}

/** One pool, complete. The fields are those of `PoolOptions`, with the same units and ranges. */
export interface PoolConfig {
  readonly name: string;
  /** A secret. */
  readonly url: string;
  readonly password?: () => string | Promise<string>;
  readonly tls: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly admin: boolean;
  readonly profile?: PoolProfile;
  readonly pooler: 'auto' | 'pgbouncer' | 'none';
  readonly poolerSize?: number;
  /** A secret. */
  readonly poolerAdminUrl?: string;
  readonly max: number;
  readonly minIdle: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly validateAfterIdleMs: number;
  readonly lockTimeoutMs: number;
  readonly maxResultBytes: number;
  readonly rideOutMs: number;
  readonly operationsPerRequest: number;
  /** Absent: computed from what is measured. */
  readonly headroom?: number;
  readonly capCritical: number;
  readonly minHigh: number;
  readonly minNormal: number;
  readonly minLow: number;
  /** At most the pool's seats. */
  readonly minSeats: number;
  readonly adaptive: boolean;
  /** The name of another pool. */
  readonly yieldsTo?: string;
  /** Absent: computed from what is measured. Means nothing without `yieldsTo`. */
  readonly targetMs?: number;
  readonly maxQueued: number;
  readonly maxTenants: number;
  readonly feasibility: boolean;
  readonly lifo: boolean;
  readonly eviction: boolean;
  readonly displacement: boolean;
  readonly breaker: boolean;
  readonly breakerErrorPercent: number;
  readonly breakerSlowPercent: number;
  readonly breakerMinimumCalls: number;
  readonly breakerWindowMs: number;
  readonly breakerResetMs: number;
  readonly breakerRampMs: number;
}

/** One route, complete. The fields are those of `RouteOptions`, with the same units and ranges. */
export interface RouteConfig {
  readonly name: string;
  /** The name of an existing pool. */
  readonly pool?: string;
  readonly priority: PriorityClass;
  /** Absent: the route has no rate limit. */
  readonly ratePerSecond?: number;
  /** Means nothing without `ratePerSecond`. */
  readonly burst: number;
  /** Absent: true where there is a Redis. */
  readonly fleetWide?: boolean;
  /** Absent: the fleet has no bound on its concurrent work. */
  readonly fleetMaxConcurrent?: number;
  readonly deadlineMs: number;
  /** Two times of day. Absent: the route serves always. */
  readonly window?: string;
  /** Absent: that of the process. Means nothing without `window`. */
  readonly timeZone?: string;
  readonly maxQueued: number;
  /** Never together with `pool`. */
  readonly concurrency?: number;
  readonly stream: boolean;
  readonly onDisconnect: DisconnectPolicy;
  readonly commitGraceMs: number;
  readonly expectedMs?: number;
  readonly cost: number;
  readonly costOf?: (request: IncomingMessage) => number | undefined;
  readonly tenantOf?: (request: IncomingMessage) => string | undefined;
  readonly perCaller?: PerCallerConfig;
}

/** The token bucket of each caller, complete. */
export interface PerCallerConfig {
  readonly key: (request: IncomingMessage) => string | undefined;
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly maxKeys: number;
}

/** The fields of {@link GatewayConfig} that are plain values, each with a variable of its own. */
export type GatewayValues = Omit<GatewayConfig, 'pools' | 'routes' | 'origins'>;

/** The fields of {@link PoolConfig} that have a variable each. */
export type PoolValues = Omit<PoolConfig, 'name' | PoolFunction>;

/** The fields of {@link PoolConfig} that only code can give. */
export type PoolFunction = 'password';

/** The fields of {@link RouteConfig} that have a variable each. */
export type RouteValues = Omit<RouteConfig, 'name' | 'perCaller' | RouteFunction>;

/** The fields of {@link RouteConfig} that only code can give. */
export type RouteFunction = 'costOf' | 'tenantOf';

/** The fields of {@link PerCallerConfig} that have a variable each. */
export type PerCallerValues = Omit<PerCallerConfig, 'key'>;
