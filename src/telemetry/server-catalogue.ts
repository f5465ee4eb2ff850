import { hostGauges } from './host.js';
import type { NumberMetric, Sample } from './metric-catalogue.js';
import type { ServerGauges, TelemetrySource } from './source.js';

/** Without a reading there is no series. */
function servers(source: TelemetrySource, read: (gauges: ServerGauges) => number | undefined): Sample<number>[] {
  return Array.from(source.pools()).flatMap(({ name, server }) => {
    const gauges = server?.();
    const value = gauges === undefined ? undefined : read(gauges);
    return value === undefined ? [] : [{ labels: { pool: name }, value }];
  });
}

/** What the servers of the pools say of all their sessions. Each read asks a server, so these are only for who asks. */
export const SERVER_METRICS: readonly NumberMetric[] = [
  {
    type: 'gauge',
    name: 'server_sessions_active',
    help: 'Sessions of the database that run a statement, those of others included.',
    labels: ['pool'],
    read: (source) => servers(source, ({ active }) => active),
  },
  {
    type: 'gauge',
    name: 'server_sessions_idle_in_transaction',
    help: 'Sessions of the database that keep a transaction open and run nothing.',
    labels: ['pool'],
    read: (source) => servers(source, ({ idleInTransaction }) => idleInTransaction),
  },
  {
    type: 'gauge',
    name: 'server_sessions_waiting',
    help: 'Of the active sessions, how many wait inside the server, and for what.',
    labels: ['pool', 'reason'],
    read: (source) =>
      Array.from(source.pools()).flatMap(({ name, server }) =>
        Object.entries(server?.()?.waiting ?? {}).map(([reason, value]) => ({ labels: { pool: name, reason }, value })),
      ),
  },
];

function host(
  type: NumberMetric['type'],
  name: string,
  help: string,
  key: keyof ReturnType<typeof hostGauges>,
): NumberMetric {
  const read = (): Sample<number>[] => {
    const value = hostGauges()[key];
    return value === undefined ? [] : [{ labels: {}, value }];
  };
  return { type, name, help, labels: [], read };
}

/** What the machine says, on the same time axis. */
export const HOST_METRICS: readonly NumberMetric[] = [
  host('counter', 'host_context_switches_total', 'Context switches of the machine.', 'contextSwitches'),
  host('gauge', 'host_sockets_time_wait', 'TCP sockets in TIME_WAIT.', 'socketsInTimeWait'),
  host('gauge', 'process_descriptors_open', 'File descriptors that this process has open.', 'openDescriptors'),
];
