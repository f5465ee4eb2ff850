/**
 * What a pool is for, where it serves no requests: `batch` and `migration` bring few connections, long deadlines and a
 * lock timeout that fits.
 */
export type PoolProfile = 'batch' | 'migration';

/**
 * What the code says about one pool; overridden by `SLUICE_POOL_<NAME>_<FIELD>`. Where it stands apart from its gateway it
 * names the pools to yield to, as `PoolOptions<'checkout'>`: no other text is taken for one.
 */
export interface PoolOptions<PoolName extends string = string> {
  /**
   * URL of the server: `postgres://` or `postgresql://`, and with the package `mysql2` `mysql://` or `mariadb://`. A
   * secret. Default: `DATABASE_URL`; one of them must be set.
   */
  readonly url?: string | undefined;
  /**
   * Gives the password for each connection, in place of one in the URL; bounded by `connectTimeoutMs`. A function of the
   * code only. Default: none.
   */
  password?(): string | Promise<string>;
  /** Whether TLS is required even where the URL does not say so (`sslmode`). Default false. */
  readonly tls?: boolean | undefined;
  /** Path of the authorities' certificates (PEM) to trust instead of the system's; requires TLS. Default: none. */
  readonly tlsCa?: string | undefined;
  /** Path of the client's certificate (PEM); goes with `tlsKey`. Default: none. */
  readonly tlsCert?: string | undefined;
  /** Path of the key of `tlsCert` (PEM, without a passphrase). Default: none. */
  readonly tlsKey?: string | undefined;
  /** Name that the server's certificate must bear; requires TLS. Default: the host of the URL. */
  readonly tlsServerName?: string | undefined;
  /**
   * Whether this pool must always get in: it opens all its connections at the start and keeps them, so that nobody can
   * take their places. Default false.
   */
  readonly admin?: boolean | undefined;
  /**
   * What the pool is for, where it serves no requests; sets the defaults of other fields, each of which can still be set.
   * `batch`: `max` 2, `minIdle` 0, `lockTimeoutMs` 30,000, `rideOutMs` 30,000, and `deadlineMs` 600,000 of its routes.
   * `migration`: the same with `max` 1, `lockTimeoutMs` 2,000, `deadlineMs` 3,600,000. Default: none.
   */
  readonly profile?: PoolProfile | undefined;
  /**
   * What stands between this pool and its server: `pgbouncer` in transaction mode (pgcat and Odyssey go the same way),
   * `none`, or `auto` to find it out at the first connection. Default `auto`.
   */
  readonly pooler?: 'auto' | 'pgbouncer' | 'none' | undefined;
  /**
   * Connections that the pooler has to the server for this user and database, 1 to 10,000: `pool_size` and the reserve
   * of PgBouncer. Pools that share them, in all instances, may not ask for more. Default: read with `poolerAdminUrl`.
   */
  readonly poolerSize?: number | undefined;
  /**
   * URL of the pooler's console, for example `postgres://stats:…@pooler:6432/pgbouncer`; a user of `stats_users` is
   * enough. With it the pooler's mode, size and figures are read, at the start and every 5 s: a size that changes bounds the
   * pools from then on. A secret. Default: none.
   */
  readonly poolerAdminUrl?: string | undefined;
  /** Connections at most, 1 to 1,000. Default 10. */
  readonly max?: number | undefined;
  /** Connections kept open while idle, 0 to `max`. Default 2, or `max` where that is less. */
  readonly minIdle?: number | undefined;
  /** Bound of one connection attempt, in ms, 1 to 60,000. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Idle time after which a connection above `minIdle` is closed, in ms, up to 86,400,000; 0 never. Default 60,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Age at which a connection is replaced, in ms, up to 604,800,000; 0 never. Default 1,800,000. */
  readonly maxLifetimeMs?: number | undefined;
  /**
   * Idle time after which a connection is checked before it is lent, in ms, 0 to 86,400,000. Default 5,000. A server with an
   * `idle_session_timeout` ends them by then: let this be less.
   */
  readonly validateAfterIdleMs?: number | undefined;
  /** How long a statement may wait for a lock, in ms, up to 3,600,000; 0 is the server's own setting. Default 0. */
  readonly lockTimeoutMs?: number | undefined;
  /**
   * Bytes that the answer to one statement may have, as they come from the server, up to 1,099,511,627,776; more ends the
   * statement with a `ResultTooLargeError`, and 0 sets no bound. Default 67,108,864.
   */
  readonly maxResultBytes?: number | undefined;
  /**
   * How long tickets may wait for a server that is down, from the start of the outage, in ms, 0 to 60,000. Default 2,000.
   * A ticket waits where its time left covers what is left of that, its backlog and its work; any other is refused at
   * once. Above the deadline of a route it therefore makes short outages worse: 400 lets requests of 500 ms wait.
   * Work that has its seat and asks for a connection gets `database_unavailable` then too, after 50 ms at the earliest.
   * In the first 50 ms it may be one session only that ended: who has time for that waits. For so long a standstill is
   * waited out as well, in which no seat is taken or given back although tickets wait, as behind a pooler that is paused;
   * what was used of it comes back at a tenth of the time.
   */
  readonly rideOutMs?: number | undefined;
  /** Share of a request's time that holds a connection, above 0 up to 1: seats are `max` divided by it. Default 1. */
  readonly operationsPerRequest?: number | undefined;
  /** Seats that lower classes leave to the critical class, 0 to `max`. Default: computed from what is measured. */
  readonly headroom?: number | undefined;
  /** Largest share of seat time for the critical class, 0 to 1; with the minima at most 1. Default 0.9. */
  readonly capCritical?: number | undefined;
  /** Smallest share of seat time for a backlogged high class, 0 to 1. Default 0.06. */
  readonly minHigh?: number | undefined;
  /** Smallest share of seat time for a backlogged normal class, 0 to 1. Default 0.03. */
  readonly minNormal?: number | undefined;
  /** Smallest share of seat time for a backlogged low class, 0 to 1. Default 0.01. */
  readonly minLow?: number | undefined;
  /** Seats that the pool keeps however much it adapts or yields, 1 to 1,000. Default 2, or its seats where those are fewer. */
  readonly minSeats?: number | undefined;
  /** Whether the concurrency limit adapts to what the server bears, between `minSeats` and the seats. Default false. */
  readonly adaptive?: boolean | undefined;
  /**
   * Pool of the same server to which this one gives way while that one misses `targetMs`, or has had all its seats in
   * use and requests waiting for half a second. Default: none.
   */
  readonly yieldsTo?: PoolName | undefined;
  /** Database time (p99) that the pool of `yieldsTo` is to keep, in ms, 1 to 3,600,000. Default: 2 × its quiet p99. */
  readonly targetMs?: number | undefined;
  /** Requests that wait for the pool at most, whatever each of its routes may queue, 1 to 1,000,000. Default 10,000. */
  readonly maxQueued?: number | undefined;
  /** Tenants whose shares are kept apart in a class at once, 1 to 100,000. Default 1,024. */
  readonly maxTenants?: number | undefined;
  /** Whether work that cannot be done in time is refused rather than tried. Default true. */
  readonly feasibility?: boolean | undefined;
  /** Whether a class that stands in its queue is served newest first. Default true. */
  readonly lifo?: boolean | undefined;
  /**
   * Whether a class may queue only what it works off soon: in twice the median of the work (at least 150 ms, 300 ms the
   * critical class), and a quarter of the deadline. Beyond it the oldest of a queue that stands leaves, or the newcomer
   * is refused. `false` for work that may wait: only time and count bound it then. Default true.
   */
  readonly eviction?: boolean | undefined;
  /** Whether a more important arrival takes the place of a less important one in a full queue. Default true. */
  readonly displacement?: boolean | undefined;
  /** Whether the pool has a circuit breaker. Default true. */
  readonly breaker?: boolean | undefined;
  /** Share of failing database work that opens the breaker, in percent, 1 to 100. Default 50. */
  readonly breakerErrorPercent?: number | undefined;
  /** Share of database work that is cut off at its deadline from which the breaker opens, in percent, 1 to 100. Default 50. */
  readonly breakerSlowPercent?: number | undefined;
  /** Calls within the window below which the breaker stays closed, 1 to 100,000. Default 20. */
  readonly breakerMinimumCalls?: number | undefined;
  /** Length of the window in which the breaker counts, in ms, 100 to 600,000. Default 5,000. */
  readonly breakerWindowMs?: number | undefined;
  /** How long an open breaker waits for its first probe, in ms, 10 to 600,000. Default 500. */
  readonly breakerResetMs?: number | undefined;
  /**
   * Length of each step in which a closing breaker lets more through (5 %, then twice as much a step, the most important
   * class first), in ms, up to 60,000; 0 closes it at its first good probe. Default 1,000.
   */
  readonly breakerRampMs?: number | undefined;
}
