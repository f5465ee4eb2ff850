import type { BulkheadOptions } from '../../core/bulkhead-parts.js';
import type { KeyedBucketsOptions } from '../../core/keyed-buckets.js';
import type { PriorityRank } from '../../core/priority.js';
import type { ServiceTimesOptions } from '../../core/service-times.js';

/** What the parts of a policy were built with, without secrets and without functions: enough to build them again. */
export interface PolicySettings {
  readonly gates: readonly GateSettings[];
  readonly routes: readonly RouteSettings[];
}

/** The seats of one pool, or of a route that has none. */
export interface GateSettings {
  /** The name of the pool, or `route` and the name of the route. */
  readonly name: string;
  readonly options: BulkheadOptions;
}

/** One route. */
export interface RouteSettings {
  readonly name: string;
  readonly rank: PriorityRank;
  /** The place of its seats in `gates`. Absent: nobody waits. */
  readonly gate?: number | undefined;
  readonly deadlineMs: number;
  readonly maxQueued: number;
  readonly times: ServiceTimesOptions;
  /** Absent: no rate limit. */
  readonly rate?: RateSettings | undefined;
}

/** The buckets of a route. */
export interface RateSettings {
  readonly endpoint?: { readonly refillPerSecond: number; readonly burst: number } | undefined;
  readonly perCaller?: KeyedBucketsOptions | undefined;
}

/** The name of the seats that a route without a pool has. */
export function ownSeatsName(route: string): string {
  return `route ${route}`;
}
