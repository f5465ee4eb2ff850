/** How the values of one series from several processes become one, by the names of prom-client. */
export type Aggregator = 'sum' | 'min' | 'max' | 'average';

/**
 * What is no sum where a cluster of processes is scraped as one: states, where the worst one counts, and figures of what the
 * processes share. Names are without their prefix.
 */
const NO_SUMS: Readonly<Record<string, Aggregator>> = {
  pool_up: 'min',
  pool_breaker_state: 'max',
  pool_seats_reason: 'max',
  pool_quiet_hold_seconds: 'average',
  pool_yield_target_seconds: 'average',
  pool_yield_quiet_seconds: 'average',
  route_lane_places: 'max',
  route_lane_degraded: 'max',
  event_loop_lag_seconds: 'max',
  fleet_degraded: 'max',
  fleet_disagreements: 'max',
  fleet_instances: 'max',
  enforcing: 'min',
  draining: 'max',
};

/** Each process asks the same server, pooler or host. */
const SHARED = /^(?:server|host|pool_pooler)_/;

/**
 * How prom-client's `AggregatorRegistry` puts a metric of several processes together.
 *
 * @param name - Without its prefix.
 */
export function aggregatorOf(name: string): Aggregator {
  return NO_SUMS[name] ?? (SHARED.test(name) ? 'max' : 'sum');
}
