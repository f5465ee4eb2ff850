import type { Connection } from './contract.js';

/** What a server of MySQL or MariaDB says of all its sessions; what ends in `Total` counts since its start. */
export interface MysqlStatus {
  /** Sessions that run a statement, without the one that asks. */
  readonly active: number;
  /** Sessions that wait for a lock on a row. */
  readonly waitingForRows: number;
  /** Attempts to connect, refused ones included. */
  readonly connectsTotal: number;
  /** Threads that no cache had ready. */
  readonly threadsCreatedTotal: number;
  /** Sessions that ended without a goodbye, or were ended by the server. */
  readonly abortedClientsTotal: number;
  readonly rowLockWaitsTotal: number;
  /** In milliseconds, of all sessions together. */
  readonly rowLockWaitMsTotal: number;
}

/** The names of the server for them. */
const NAMES = {
  active: 'Threads_running',
  waitingForRows: 'Innodb_row_lock_current_waits',
  connectsTotal: 'Connections',
  threadsCreatedTotal: 'Threads_created',
  abortedClientsTotal: 'Aborted_clients',
  rowLockWaitsTotal: 'Innodb_row_lock_waits',
  rowLockWaitMsTotal: 'Innodb_row_lock_time',
} as const;

const TEXT = `SHOW GLOBAL STATUS WHERE Variable_name IN (${Object.values(NAMES)
  .map((name) => `'${name}'`)
  .join(', ')})`;

interface Row {
  readonly Variable_name: string;
  readonly Value: string;
}

/**
 * Reads it, in one round trip that needs no rights.
 *
 * @param limitMs - For the statement.
 */
export async function readMysqlStatus(connection: Connection, limitMs: number): Promise<MysqlStatus> {
  const { rows } = await connection.query<Row>(TEXT, undefined, limitMs);
  const told = new Map(rows.map((row) => [row.Variable_name, Number(row.Value)]));
  const of = (key: keyof typeof NAMES): number => told.get(NAMES[key]) ?? 0;
  return {
    // The thread that answers counts itself.
    active: Math.max(0, of('active') - 1),
    waitingForRows: of('waitingForRows'),
    connectsTotal: of('connectsTotal'),
    threadsCreatedTotal: of('threadsCreatedTotal'),
    abortedClientsTotal: of('abortedClientsTotal'),
    rowLockWaitsTotal: of('rowLockWaitsTotal'),
    rowLockWaitMsTotal: of('rowLockWaitMsTotal'),
  };
}
