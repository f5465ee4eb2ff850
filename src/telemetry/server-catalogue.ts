import { hostGauges } from './host.js';
import type { NumberMetric, Sample } from './metric.js';
import type { ServerGauges, ServerTotals, TelemetrySource } from './source.js';

/** Added to the help of a gauge: what would be an old zero is missing. */
const AGE = 'At most 10 s old where the server could not be asked since; missing after that.';

/** Without a reading there is no series. */
function servers(source: TelemetrySource, read: (gauges: ServerGauges) => number | undefined): Sample<number>[] {
  return Array.from(source.pools()).flatMap(({ name, server }) => {
    const gauges = server?.();
    const value = gauges === undefined ? undefined : read(gauges);
    return value === undefined ? [] : [{ labels: { pool: name }, value }];
  });
}

function total(name: string, help: string, key: keyof ServerTotals): NumberMetric {
  const scale = key.includes('Ms') ? 1_000 : 1;
  const read = ({ totals }: ServerGauges): number | undefined => totals && totals[key] / scale;
  return { type: 'counter', name: `server_${name}`, help, labels: ['pool'], read: (source) => servers(source, read) };
}

/** What the servers of the pools say of all their sessions. Each read asks a server, so these are only for who asks. */
export const SERVER_METRICS: readonly NumberMetric[] = [
  {
    type: 'gauge',
    name: 'server_sessions_active',
    help: `Sessions of the database that run a statement, those of others included. ${AGE}`,
    labels: ['pool'],
    read: (source) => servers(source, ({ active }) => active),
  },
  {
    type: 'gauge',
    name: 'server_sessions_idle_in_transaction',
    help: `Sessions of the database that keep a transaction open and run nothing. ${AGE}`,
    labels: ['pool'],
    read: (source) => servers(source, ({ idleInTransaction }) => idleInTransaction),
  },
  {
    type: 'gauge',
    name: 'server_sessions_waiting',
    help: `Of the active sessions, how many wait inside the server, and for what. ${AGE}`,
    labels: ['pool', 'reason'],
    read: (source) =>
      Array.from(source.pools()).flatMap(({ name, server }) =>
        Object.entries(server?.()?.waiting ?? {}).map(([reason, value]) => ({ labels: { pool: name, reason }, value })),
      ),
  },
  {
    type: 'gauge',
    name: 'server_backend_memory_bytes',
    help: `Memory that the process of a session has to itself, on average, where the server runs on this host (PostgreSQL on Linux). ${AGE}`,
    labels: ['pool'],
    read: (source) => servers(source, ({ backendBytes }) => backendBytes),
  },
  total('connects_total', 'Attempts to connect to the server, refused ones included (MySQL).', 'connectsTotal'),
  total('threads_created_total', 'Threads that the server made for sessions (MySQL).', 'threadsCreatedTotal'),
  total(
    'clients_aborted_total',
    'Sessions that ended without a goodbye, or that the server ended (MySQL).',
    'abortedClientsTotal',
  ),
  total('row_lock_waits_total', 'Waits for locks on rows (MySQL).', 'rowLockWaitsTotal'),
  total(
    'row_lock_wait_seconds_total',
    'Time that sessions have waited for locks on rows (MySQL).',
    'rowLockWaitMsTotal',
  ),
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
