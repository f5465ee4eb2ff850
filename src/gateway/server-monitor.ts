import type { Clock } from '../clock.js';
import { readMysqlStatus } from '../pools/mysql-status.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import { timeLimit } from '../pools/time-limit.js';
import { ownBytes } from '../telemetry/host.js';
import type { ServerGauges } from '../telemetry/source.js';
import { LatestReading } from './latest-reading.js';
import type { ServerLook } from './server-look.js';

/** For the whole reading: it is worth less than what it measures. */
const LIMIT_MS = 250;
/** The server's bound ends nothing where the network swallows all: then the connection is given back unanswered. */
const PATIENCE_MS = LIMIT_MS + 1_000;

/** Processes that are looked at for their memory, in one turn of the event loop: each costs some 10 µs. */
const MOST_BACKENDS = 32;

/** How a look begins: those of other pools and instances, which come at the same moment, are no work. */
const LOOK = 'SELECT /* a look of Sluice */';

/** Other users' sessions are seen with the role `pg_read_all_stats` (`pg_monitor`); without it only those of this user. */
const POSTGRES = `${LOOK}
  count(*) FILTER (WHERE state = 'active' AND left(query, ${LOOK.length}) <> '${LOOK}') AS active,
  count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock') AS lock,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'LWLock') AS lightweight_lock,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'IO') AS io,
  count(*) FILTER (WHERE state = 'active' AND wait_event_type IS NOT NULL
    AND wait_event_type NOT IN ('Lock', 'LWLock', 'IO')) AS other,
  count(*) FILTER (WHERE usename = $2 OR usename <> session_user) AS seen,
  coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true) AS here,
  (array_agg(pid))[1:${MOST_BACKENDS}] AS pids
FROM pg_stat_activity
WHERE datname = coalesce($1, current_database()) AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;

type Row = Readonly<Record<string, unknown>>;

/**
 * What the server of a pool says of the sessions that work, for those who ask for it with the metrics. It is read on a
 * connection that nobody uses at that moment, of this pool or of another on the same server: no request waits for it. One
 * with `admin: true` has such a connection also while all others are busy to the last.
 */
export class ServerMonitor {
  readonly #reading: LatestReading<ServerGauges>;

  /** @param take - `undefined` while no connection is free for it. */
  constructor(url: string, clock: Clock, take: () => ServerLook | undefined) {
    const read = isMysqlUrl(url) ? readMysql : readPostgres;
    this.#reading = new LatestReading(clock, () => {
      const look = take();
      if (look === undefined) return undefined;
      const giveBack = (): void => void look.connection.release();
      const patience = timeLimit(clock, PATIENCE_MS, giveBack);
      return read(look).finally(() => {
        patience.cancel();
        giveBack();
      });
    });
  }

  /** See {@link LatestReading.figures}. */
  gauges(nowMs: number): ServerGauges | undefined {
    return this.#reading.figures(nowMs);
  }
}

async function readPostgres({ connection, of: whose }: ServerLook): Promise<ServerGauges> {
  const values = [whose?.database ?? null, whose?.user ?? null];
  const { rows } = await connection.query<Row>(POSTGRES, values, LIMIT_MS);
  const of = (key: string): number => Number(rows[0]?.[key] ?? 0);
  // All connections of the pool are in use: who sees none of them has not the right to, or is elsewhere.
  if (whose !== undefined && of('seen') === 0) throw new Error('the sessions of the pool are hidden from another one');
  const { here, pids } = rows[0] ?? {};
  return {
    backendBytes: here === true && Array.isArray(pids) ? ownBytes(pids, 'postgres') : undefined,
    active: of('active'),
    idleInTransaction: of('idle_in_transaction'),
    waiting: { lock: of('lock'), lightweight_lock: of('lightweight_lock'), io: of('io'), other: of('other') },
  };
}

async function readMysql({ connection }: ServerLook): Promise<ServerGauges> {
  const { active, waitingForRows, ...totals } = await readMysqlStatus(connection, LIMIT_MS);
  return { active, idleInTransaction: undefined, waiting: { lock: waitingForRows }, totals };
}
