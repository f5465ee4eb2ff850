import { ceilDecimal } from '../core/numbers.js';

/** One pool of a gateway, as its pooler is to serve it. */
export interface PooledEntry {
  /** Of the pool. */
  readonly name: string;
  /** Most connections of one instance. */
  readonly max: number;
  readonly minIdle: number;
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly bypasses: boolean;
}

/** What {@link pgbouncerIni} writes a file for. */
export interface PoolerPlan {
  readonly pools: readonly PooledEntry[];
  readonly instances: number;
  /** `max_connections` of the server, and what it keeps for superusers. */
  readonly maxConnections: number;
  readonly superuserReserved: number;
  /** Share of `maxConnections` that stays free. */
  readonly reserve: number;
  /** The longest deadline of a route, in milliseconds. */
  readonly longestDeadlineMs: number;
  readonly listenPort: number;
}

/** A file for PgBouncer, and what does not fit. */
export interface PoolerFile {
  readonly text: string;
  /** One sentence for each thing that the server does not have room for. */
  readonly problems: readonly string[];
}

/** Clients beside the pools: the console, a monitor, and those of an instance that is being replaced. */
const MORE_CLIENTS = 20;
/** What the pooler waits beyond the longest deadline, so that the gateway speaks first. */
const PATIENCE_SECONDS = 5;

/**
 * Writes `pgbouncer.ini` from the sizes that a gateway has: an entry for each pool, so that a flood of one cannot take the
 * connections of another, and together no more than the budget of the server.
 */
export function pgbouncerIni(plan: PoolerPlan): PoolerFile {
  const { pools, instances, maxConnections, superuserReserved, reserve } = plan;
  const budget = maxConnections - superuserReserved - ceilDecimal(maxConnections * reserve);
  const direct = pools.filter(({ bypasses }) => bypasses).reduce((sum, { max }) => sum + max * instances, 0);
  const pooled = pools.filter(({ bypasses }) => !bypasses);
  const needed = pooled.reduce((sum, { max }) => sum + max * instances, 0);
  const fits = budget - direct;
  const problems =
    needed <= fits
      ? []
      : [
          `the pools use ${needed} connections at once in ${instances} instances, and the server has ${fits} for them ` +
            `(max_connections ${maxConnections} - ${superuserReserved} for superusers - the reserve of ${reserve * 100} % - ` +
            `${direct} that bypass the pooler): lower their max, run fewer instances or raise max_connections`,
        ];
  // An emergency may take what the pools leave of the budget, spread over them.
  const spare = pooled.length === 0 ? 0 : Math.max(0, Math.floor((fits - needed) / pooled.length));
  const text = [
    '; Written by "sluice pgbouncer". Names of pools stand for databases: point the URL of each pool at its entry.',
    '[databases]',
    ...pooled.flatMap((pool) => entryOf(pool, instances, Math.min(spare, Math.ceil(pool.max / 4)))),
    '',
    ...general(plan, needed, fits),
    '',
  ].join('\n');
  return { text, problems };
}

function entryOf(pool: PooledEntry, instances: number, reserve: number): string[] {
  const { name, max, minIdle, host, port, database } = pool;
  const size = max * instances;
  return [
    `; pool "${name}": max ${max} x ${instances} ${instances === 1 ? 'instance' : 'instances'}`,
    `${name} = host=${host} port=${port} dbname=${database} pool_size=${size} ` +
      `min_pool_size=${Math.min(size, minIdle * instances)} reserve_pool=${reserve} ` +
      // What a connection without a pooler asks for when it starts.
      `connect_query='SET client_connection_check_interval = 500'`,
  ];
}

function general(plan: PoolerPlan, needed: number, fits: number): string[] {
  const clients = plan.pools.reduce((sum, { max }) => sum + max * plan.instances, 0) * 2 + MORE_CLIENTS;
  const patience = Math.ceil(plan.longestDeadlineMs / 1_000) + PATIENCE_SECONDS;
  return [
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${plan.listenPort}`,
    'auth_type = scram-sha-256',
    '; "user" "password" lines, readable by this process only',
    'auth_file = userlist.txt',
    'admin_users = pgbouncer_admin',
    '; enough for poolerAdminUrl',
    'stats_users = pgbouncer_stats',
    '',
    '; a session is given on after every transaction; nothing of sluice relies on it',
    'pool_mode = transaction',
    `; the entries above use ${needed} of the ${fits} connections that the budget of the server leaves to the pooler`,
    'default_pool_size = 1',
    '; who has waited for so long, in seconds, may have one of the reserve of its entry',
    'reserve_pool_timeout = 1',
    '; connections of the pools twice, for a rolling deployment, and some more',
    `max_client_conn = ${clients}`,
    '',
    '; beyond the longest deadline of a route: it costs a client its connection, so the gateway has to speak first',
    `query_wait_timeout = ${patience}`,
    '; a server that comes back is found soon; the default would wait for 15 s',
    'server_login_retry = 0.2',
    'server_connect_timeout = 2',
    '; backends that nobody uses go after this time, and none lives longer than that',
    'server_idle_timeout = 60',
    'server_lifetime = 1800',
    '; a connection is asked before use when it was idle for longer',
    'server_check_delay = 5',
    'server_check_query = SELECT 1',
    '; the gateway ends its own idle clients',
    'client_idle_timeout = 0',
    '; a client that leaves a transaction open, in seconds',
    `idle_transaction_timeout = ${patience}`,
    'tcp_keepalive = 1',
    'tcp_keepidle = 1',
    'tcp_keepintvl = 1',
    'tcp_keepcnt = 9',
  ];
}
