import type { Clock } from '../clock.js';
import type { Connection, ConnectionPool } from '../pools/contract.js';
import { readMysqlStatus } from '../pools/mysql-status.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import type { ServerGauges } from '../telemetry/source.js';

/** A reading is used for so long. */
const FRESH_MS = 2_000;
/** Without a reading for so long the last one says nothing any more. */
const STALE_MS = 60_000;
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
 * connection that nobody uses at that moment, at most every two seconds, and the answer is there for the next one who
 * asks: no request and no scrape waits for it. A pool that is busy to the last connection tells nothing; one with
 * `admin: true` on the same server does.
 */
export class ServerMonitor {
  readonly #pool: ConnectionPool;
  readonly #mysql: boolean;
  readonly #clock: Clock;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #gauges: ServerGauges | undefined;
  #reading = false;

  constructor(pool: ConnectionPool, url: string, clock: Clock) {
    this.#pool = pool;
    this.#mysql = isMysqlUrl(url);
    this.#clock = clock;
  }

  /** The last reading; `undefined` before the first, and when the server could not be asked for a minute. */
  gauges(nowMs: number): ServerGauges | undefined {
    if (!this.#reading && nowMs - this.#readAtMs > FRESH_MS) void this.#read();
    return nowMs - this.#readAtMs > STALE_MS ? undefined : this.#gauges;
  }

  async #read(): Promise<void> {
    const connection = this.#pool.state === 'up' ? this.#pool.tryAcquire() : undefined;
    if (connection === undefined) return;
    this.#reading = true;
    try {
      this.#gauges = this.#mysql ? await readMysql(connection) : await readPostgres(connection);
      this.#readAtMs = this.#clock.nowMs();
    } catch {
      // Whoever works on this server hears of its troubles; here its figures are missing.
    } finally {
      this.#reading = false;
      void connection.release();
    }
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
