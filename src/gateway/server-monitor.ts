import type { Clock } from '../clock.js';
import type { Connection, ConnectionPool } from '../pools/contract.js';
import { readMysqlStatus } from '../pools/mysql-status.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import type { ServerGauges } from '../telemetry/source.js';
import { LatestReading } from './latest-reading.js';

/** For the whole reading: it is worth less than what it measures. */
const LIMIT_MS = 250;

/** Other users' sessions are seen with the role `pg_read_all_stats` (`pg_monitor`); without it only those of this user. */
const POSTGRES = `SELECT
  count(*) FILTER (WHERE state = 'active') AS active,
  count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock') AS lock,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'LWLock') AS lightweight_lock,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'IO') AS io,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type IS NOT NULL
    AND wait_event_type NOT IN ('Lock', 'LWLock', 'IO')) AS other
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

type Row = Readonly<Record<string, unknown>>;

/**
 * What the server of a pool says of the sessions that work, for those who ask for it with the metrics. It is read on a
 * connection that nobody uses at that moment: no request waits for it. A pool that is busy to the last connection tells
 * nothing; one with `admin: true` on the same server does.
 */
export class ServerMonitor {
  readonly #reading: LatestReading<ServerGauges>;

  constructor(pool: ConnectionPool, url: string, clock: Clock) {
    const read = isMysqlUrl(url) ? readMysql : readPostgres;
    this.#reading = new LatestReading(clock, () => {
      const connection = pool.state === 'up' ? pool.tryAcquire() : undefined;
      return connection && read(connection).finally(() => void connection.release());
    });
  }

  /** See {@link LatestReading.figures}. */
  gauges(nowMs: number): ServerGauges | undefined {
    return this.#reading.figures(nowMs);
  }
}

async function readPostgres(connection: Connection): Promise<ServerGauges> {
  const { rows } = await connection.query<Row>(POSTGRES, undefined, LIMIT_MS);
  const of = (key: string): number => Number(rows[0]?.[key] ?? 0);
  return {
    active: of('active'),
    idleInTransaction: of('idle_in_transaction'),
    waiting: { lock: of('lock'), lightweight_lock: of('lightweight_lock'), io: of('io'), other: of('other') },
  };
}

async function readMysql(connection: Connection): Promise<ServerGauges> {
  const { active, waitingForRows, ...totals } = await readMysqlStatus(connection, LIMIT_MS);
  return { active, idleInTransaction: undefined, waiting: { lock: waitingForRows }, totals };
}
