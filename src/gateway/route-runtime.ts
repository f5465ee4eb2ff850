import type { Gate } from '../admission/gate.js';
import type { RouteConfig } from '../config/config.js';
import { type PriorityRank, rankOf } from '../core/priority.js';
import type { ServiceTimes } from '../core/service-times.js';
import type { RouteLoad } from '../core/ticket.js';
import type { Lane } from '../fleet/lane.js';
import type { RateLimit } from '../rate-limit/rate-limit.js';
import { RouteStats } from '../telemetry/route-stats.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { RouteWindow } from './route-window.js';

/** One route at work: its configuration and the state that its requests share. */
export interface RouteRuntime extends RouteLoad {
  readonly name: string;
  readonly config: RouteConfig;
  readonly rank: PriorityRank;
  readonly times: ServiceTimes;
  readonly stats: RouteStats;
  /** Absent where the route serves at any time. */
  readonly window: RouteWindow | undefined;
  /** Absent where the route has no rate limit. */
  readonly rate: RateLimit | undefined;
  /** Absent where the fleet has no bound on its concurrent work, or nothing is enforced. */
  readonly lane?: Lane | undefined;
  /** Absent for a route without database. */
  readonly pool: PoolRuntime | undefined;
  /** The seats it competes for: those of its pool, its own `concurrency`, or none. */
  readonly gate: Gate | undefined;
}

/** What a route is at work with, beside its configuration. */
export type RouteParts = Pick<RouteRuntime, 'times' | 'window' | 'rate' | 'lane' | 'pool' | 'gate'>;

/** A route on which nobody has come yet. */
export function newRoute(config: RouteConfig, { times, window, rate, lane, pool, gate }: RouteParts): RouteRuntime {
  return {
    name: config.name,
    config,
    rank: rankOf(config.priority),
    deadlineMs: config.deadlineMs,
    maxQueued: config.maxQueued,
    times,
    stats: new RouteStats(),
    window,
    rate,
    lane,
    pool,
    gate,
    queued: 0,
    lastLeaseMs: Number.NEGATIVE_INFINITY,
  };
}
