import type { HistogramMetric, NumberMetric, Sample } from './metric.js';
import { POOL_METRICS } from './pool-metrics.js';
import { ROUTE_METRICS } from './route-metrics.js';
import type { FleetTelemetry, TelemetrySource } from './source.js';

/** Without a fleet there is no series. */
function fleetNumber(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  read: (fleet: FleetTelemetry) => number,
): NumberMetric {
  const all = ({ fleet }: TelemetrySource): Sample<number>[] =>
    fleet === undefined ? [] : [{ labels: {}, value: read(fleet) }];
  return { type, name, help, labels: [], read: all };
}

function processNumber(name: string, help: string, read: (source: TelemetrySource) => number): NumberMetric {
  return { type: 'gauge', name, help, labels: [], read: (source) => [{ labels: {}, value: read(source) }] };
}

/** Every metric of Sluice, in the order in which they are printed. Durations are in seconds. */
export const METRICS: readonly (NumberMetric | HistogramMetric)[] = [
  ...ROUTE_METRICS,
  ...POOL_METRICS,
  processNumber(
    'event_loop_lag_seconds',
    'How late the event loop runs.',
    ({ eventLoopLagMs }) => eventLoopLagMs / 1_000,
  ),
  {
    type: 'counter',
    name: 'clients_turned_away_total',
    help: 'Clients that were disconnected because no file descriptor was left for them.',
    labels: [],
    read: (source) => [{ labels: {}, value: source.clientsTurnedAway }],
  },
  {
    type: 'counter',
    name: 'answers_not_read_total',
    help: 'Answers that were cut off because their client had stopped reading.',
    labels: [],
    read: (source) => [{ labels: {}, value: source.answersNotRead }],
  },
  fleetNumber('gauge', 'fleet_degraded', "Whether limits hold on this instance's share alone: 0 or 1.", (fleet) =>
    fleet.degraded ? 1 : 0,
  ),
  fleetNumber(
    'gauge',
    'fleet_disagreements',
    'Settings, routes and pools in which the configurations of the instances differ.',
    (fleet) => fleet.disagreements,
  ),
  fleetNumber('gauge', 'fleet_instances', 'Instances among which limits are shared.', (fleet) => fleet.instances),
  fleetNumber(
    'counter',
    'fleet_reports_total',
    'Reports of spent tokens that were sent to Redis.',
    (fleet) => fleet.reports,
  ),
  processNumber('enforcing', 'Whether refusals are in force (mode enforce).', ({ mode }) => Number(mode === 'enforce')),
  processNumber('draining', 'Whether the gateway is shutting down.', ({ draining }) => Number(draining)),
];
