import { PRIORITY_RANKS } from '../core/priority.js';
import type { OwnSeats, PoolTelemetry, RouteTelemetry, TelemetrySource } from '../telemetry/source.js';
import type { Ending } from './ending.js';
import type { Engine } from './engine.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { RouteRuntime } from './route-runtime.js';
import { serverOf } from './server-names.js';

/** The live figures of a gateway. */
export function describeGateway(engine: Engine, ending: Ending, clientsTurnedAway: number): TelemetrySource {
  const { modes, clock, lag, answers, fleet, agreement, routes, pools } = engine;
  return {
    mode: modes.mode,
    // From its beginning on, while admission goes on: a scrape hardly ever meets the rest.
    draining: ending.begun.aborted,
    eventLoopLagMs: lag.averageMs(clock.nowMs()),
    clientsTurnedAway,
    answersNotRead: answers.cutOff,
    fleet: fleet && { ...fleet.status, disagreements: agreement.disagreements },
    routes: () => routes.map(describeRoute),
    pools: () => Array.from(pools.values(), (pool) => describePool(pool, clock.nowMs())),
  };
}

/** A route as telemetry reads it. */
export function describeRoute(route: RouteRuntime): RouteTelemetry {
  const { name, pool, gate, config, stats } = route;
  return {
    name,
    pool: pool?.name,
    priority: config.priority,
    stats,
    seats: pool === undefined ? ownSeats(gate) : undefined,
    lane: route.lane?.status,
  };
}

function ownSeats(gate: RouteRuntime['gate']): OwnSeats | undefined {
  if (gate === undefined) return undefined;
  const { seats: limit, inFlight, queued } = gate.bulkhead;
  return { limit, inFlight, queued };
}

/** A pool as telemetry reads it, at one instant. */
export function describePool(runtime: PoolRuntime, nowMs: number): PoolTelemetry {
  const { name, seats, pool, breaker, tuning, retries } = runtime;
  const { bulkhead } = runtime.gate;
  return {
    name,
    at: serverOf(runtime.config.url),
    state: pool.state,
    breaker: breaker?.state,
    circuit: breaker && { openedBy: breaker.openedBy ?? null, share: breaker.share },
    seats: {
      limit: bulkhead.seats,
      max: seats,
      tuning: tuning?.describe(),
      inFlight: bulkhead.inFlight,
      queuedByClass: PRIORITY_RANKS.map((rank) => bulkhead.queuedOf(rank)),
      headroom: bulkhead.headroom(nowMs),
    },
    retries: retries.counts,
    connects: runtime.connects,
    advice: runtime.advisor?.advice(nowMs),
    pooler: runtime.pooler?.figures(nowMs),
    server: () => runtime.server?.gauges(nowMs),
    gauges: () => pool.gauges(),
  };
}
