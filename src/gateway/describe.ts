import { PRIORITY_RANKS } from '../core/priority.js';
import type { PoolTelemetry, RouteTelemetry } from '../telemetry/source.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { RouteRuntime } from './route-runtime.js';

/** A route as telemetry reads it. */
export function describeRoute(route: RouteRuntime): RouteTelemetry {
  return { name: route.name, pool: route.pool?.name, priority: route.config.priority, stats: route.stats };
}

/** A pool as telemetry reads it, at one instant. */
export function describePool(runtime: PoolRuntime, nowMs: number): PoolTelemetry {
  const { name, seats, pool, breaker, tuning, retries } = runtime;
  const { bulkhead } = runtime.gate;
  return {
    name,
    state: pool.state,
    breaker: breaker?.state,
    seats: {
      limit: bulkhead.seats,
      max: seats,
      tuning: tuning?.describe(),
      inFlight: bulkhead.inFlight,
      queuedByClass: PRIORITY_RANKS.map((rank) => bulkhead.queuedOf(rank)),
      headroom: bulkhead.headroom(nowMs),
    },
    retries: retries.counts,
    gauges: () => pool.gauges(),
  };
}
