import { counted, percent } from '../core/budget.js';
import { ceilDecimal } from '../core/numbers.js';
import { type PooledEntry, serverKey, serverNames } from './pgbouncer-entry.js';
import { connectQuery, entryValue, type ServerSettings, settingsNotes } from './pgbouncer-settings.js';
import { commonTls, type ServerTls } from './pgbouncer-tls.js';

/** What {@link pgbouncerIni} writes a file for. */
export interface PoolerPlan {
  readonly pools: readonly PooledEntry[];
  /** Names of pools that are not on PostgreSQL. */
  readonly elsewhere: readonly string[];
  readonly instances: number;
  /** `max_connections` of each server, and what it keeps for superusers. */
  readonly maxConnections: number;
  readonly superuserReserved: number;
  /** Share of `maxConnections` that stays free. */
  readonly reserve: number;
  /** The longest deadline of a route, in milliseconds. */
  readonly longestDeadlineMs: number;
  readonly listenPort: number;
}

/** What PgBouncer is to know of one pool, under its name. */
export interface PoolerEntry extends Pick<PooledEntry, 'name' | 'host' | 'port' | 'database'> {
  readonly poolSize: number;
  readonly minPoolSize: number;
  readonly reservePool: number;
}

/** A file for PgBouncer, its entries, and what does not fit. */
export interface PoolerFile {
  readonly text: string;
  readonly entries: readonly PoolerEntry[];
  /** The pools that go to their server itself. */
  readonly bypassing: readonly string[];
  /** One sentence for each thing that the server does not have room for. */
  readonly problems: readonly string[];
}

/** Clients beside the pools: the console, a monitor, and those of an instance that is being replaced. */
const MORE_CLIENTS = 20;
/** What the pooler waits beyond the longest deadline, so that the gateway speaks first. */
const PATIENCE_SECONDS = 5;

/** What the pools of one server use of it at once. */
interface Share {
  /** As the urls write it. */
  readonly server: string;
  /** Through the pooler. */
  readonly pooled: readonly PooledEntry[];
  readonly needed: number;
  /** Past it. */
  readonly direct: number;
  /** What the budget leaves to the pooler. */
  readonly fits: number;
  /** What an emergency may take for each pool beyond its size. */
  readonly spare: number;
}

/**
 * Writes `pgbouncer.ini` from the sizes that a gateway has: an entry for each pool, so that a flood of one cannot take the
 * connections of another, and together no more than the budget of their server.
 *
 * @throws CliError where pools ask for TLS in ways that one pooler does not have.
 */
export function pgbouncerIni(plan: PoolerPlan): PoolerFile {
  const { pools, elsewhere, instances } = plan;
  const tls = commonTls(pools.filter(({ bypasses }) => !bypasses));
  const shares = [...new Set(pools.map(serverKey))].map((key) => shareOf(key, plan));
  const problems = shares
    .filter(({ needed, fits }) => needed > fits)
    .map((share) => problemOf(share, plan, shares.length > 1));
  const written = shares.flatMap(({ pooled, spare }) =>
    pooled.map((pool) => {
      const entry = entryOf(pool, instances, Math.min(spare, Math.ceil(pool.max / 4)));
      return { entry, lines: entryLines(entry, pool.settings, instances) };
    }),
  );
  const bypassing = [...pools.filter(({ bypasses }) => bypasses).map(({ name }) => name), ...elsewhere];
  const text = [
    '; Written by "sluice pgbouncer". Names of pools stand for databases: point the URL of each pool at its entry.',
    ...(bypassing.length === 0 ? [] : [`; Past the pooler, to their server itself: ${bypassing.join(', ')}.`]),
    '[databases]',
    ...written.flatMap(({ lines }) => lines),
    '',
    ...general(plan, shares, tls),
    '',
  ].join('\n');
  return { text, entries: written.map(({ entry }) => entry), bypassing, problems };
}

function shareOf(key: string, { pools, instances, maxConnections, superuserReserved, reserve }: PoolerPlan): Share {
  const there = pools.filter((pool) => serverKey(pool) === key);
  const pooled = there.filter(({ bypasses }) => !bypasses);
  const atOnce = (of: readonly PooledEntry[]): number => of.reduce((sum, { max }) => sum + max * instances, 0);
  const needed = atOnce(pooled);
  const direct = atOnce(there) - needed;
  const fits = maxConnections - superuserReserved - ceilDecimal(maxConnections * reserve) - direct;
  const spare = pooled.length === 0 ? 0 : Math.max(0, Math.floor((fits - needed) / pooled.length));
  return { server: serverNames(there), pooled, needed, direct, fits, spare };
}

function problemOf({ server, needed, direct, fits }: Share, plan: PoolerPlan, several: boolean): string {
  const { instances, maxConnections, superuserReserved, reserve } = plan;
  return (
    `the pools${several ? ` at ${server}` : ''} use ${needed} connections at once in ${counted(instances, 'instance')}, and ` +
    `the server has ${Math.max(0, fits)} for them (max_connections ${maxConnections} - ${superuserReserved} for ` +
    `superusers - the reserve of ${percent(reserve)} - ${direct} that bypass the pooler): lower their max, run fewer instances or raise max_connections`
  );
}

function entryOf(pool: PooledEntry, instances: number, reservePool: number): PoolerEntry {
  const { name, max, minIdle, host, port, database } = pool;
  const poolSize = max * instances;
  const minPoolSize = Math.min(poolSize, minIdle * instances);
  return { name, host, port, database, poolSize, minPoolSize, reservePool };
}

function entryLines(entry: PoolerEntry, settings: ServerSettings, instances: number): string[] {
  const { name, host, port, database, poolSize, minPoolSize, reservePool } = entry;
  return [
    `; pool "${name}": max ${poolSize / instances} x ${counted(instances, 'instance')}`,
    ...settingsNotes(settings),
    `${name} = host=${entryValue(host)} port=${port} dbname=${entryValue(database)} pool_size=${poolSize} ` +
      `min_pool_size=${minPoolSize} reserve_pool=${reservePool} ${connectQuery(settings)}`,
  ];
}

function general(plan: PoolerPlan, shares: readonly Share[], tls: ServerTls): string[] {
  const clients = plan.pools.reduce((sum, { max }) => sum + max * plan.instances, 0) * 2 + MORE_CLIENTS;
  const patience = Math.ceil(plan.longestDeadlineMs / 1_000) + PATIENCE_SECONDS;
  return [
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${plan.listenPort}`,
    'auth_type = scram-sha-256',
    '; "user" "password" lines, a " within one written twice; readable by this process only',
    'auth_file = userlist.txt',
    'admin_users = pgbouncer_admin',
    '; enough for poolerAdminUrl',
    'stats_users = pgbouncer_stats',
    '',
    '; a session is given on after every transaction; nothing of sluice relies on it',
    'pool_mode = transaction',
    ...shares.map(
      ({ server, needed, fits }) =>
        `; the entries above use ${needed} of the ${fits} connections that the budget of ${server} leaves to the pooler`,
    ),
    'default_pool_size = 1',
    '; who has waited for so long, in seconds, may have one of the reserve of its entry',
    'reserve_pool_timeout = 1',
    '; connections of the pools twice, for a rolling deployment, and some more',
    `max_client_conn = ${clients}`,
    '',
    '; on the way to the servers, as the pools ask for it: without a word versions of PgBouncer differ',
    ...tls,
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
