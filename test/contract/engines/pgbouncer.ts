import type { PgPoolOptions } from '../../../src/pools/connection-pool.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { startPostgres } from '../../support/postgres.js';
import type { Account, Engine } from '../engine.js';
import type { Address } from '../relay.js';
import { until } from '../support.js';
import { DirectPostgres, ORDINARY, PASSWORD, SERVER_SETTINGS, sql } from './postgres.js';

/** As many as the budget of the suite's server leaves to a pool, and one. */
const POOL_SIZE = 34;

/** PostgreSQL behind a PgBouncer in transaction mode. */
export const pgbouncer: Engine = {
  name: 'PostgreSQL, through PgBouncer',
  sql: { ...sql, shared: true },
  lesserHere: [],
  start: async () => {
    const postgres = await startPostgres({ settings: SERVER_SETTINGS });
    const port = postgres.port;
    const pooled = new PooledPostgres(postgres, await pooler(port, ORDINARY), port);
    await pooled.prepare();
    return pooled;
  },
};

function pooler(serverPort: number, user: string): Promise<PgbouncerServer> {
  return startPgbouncer({
    databases: [
      `postgres = host=127.0.0.1 port=${serverPort} pool_size=${POOL_SIZE} ` +
        // What a session without a pooler asks for when it starts.
        "connect_query='SET client_connection_check_interval = 500'",
    ],
    users: { [user]: PASSWORD },
    // What one test has had opened must not be missing to the pooler of the next one.
    settings: { max_client_conn: 500, server_login_retry: 0.2, server_idle_timeout: 1 },
  });
}

/** What the pools know as their server is the pooler; who looks behind it, as the suite does, asks PostgreSQL. */
class PooledPostgres extends DirectPostgres {
  readonly #pooler: PgbouncerServer;
  readonly #serverPort: number;
  /** Poolers of accounts that have bounds of their own: this version has these bounds for all of its clients only. */
  readonly #others = new Map<string, PgbouncerServer>();

  constructor(server: ConstructorParameters<typeof DirectPostgres>[0], bouncer: PgbouncerServer, serverPort: number) {
    super(server);
    this.#pooler = bouncer;
    this.#serverPort = serverPort;
  }

  override get address(): Address {
    return { host: '127.0.0.1', port: this.#pooler.port };
  }

  override async makeAccount(connections: number): Promise<Account> {
    const name = await this.makeRole();
    const own = await pooler(this.#serverPort, name);
    this.#others.set(name, own);
    const set = async (setting: string, value: number): Promise<void> => {
      await own.admin(`SET ${setting} = '${value}'`);
    };
    // The console of the suite is a client, too.
    const allow = (most: number): Promise<void> => set('max_client_conn', most + 1);
    await allow(connections);
    return {
      name,
      allow,
      endIdleAfter: (ms) => set('client_idle_timeout', ms / 1_000),
    };
  }

  override stop(how: 'orderly' | 'crash'): Promise<void> {
    return this.#pooler.stop(how);
  }

  override start(): Promise<void> {
    return this.#pooler.start();
  }

  /** Until the pooler has seen it, too: it would hand the next statement to who is not there any more. */
  override async kill(session: string): Promise<void> {
    await super.kill(session);
    const servers = (): ReturnType<PgbouncerServer['admin']> => this.#pooler.admin('SHOW SERVERS');
    await until(async () => (await servers()).every((each) => String(each.remote_pid) !== session));
  }

  /** Nothing else may be there for the pooler to choose, or it would go around the one that stands still. */
  override async freeze(session: string): Promise<void> {
    await this.ask('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> $2', [
      ORDINARY,
      session,
    ]);
    await until(async () => (await this.#pooler.admin('SHOW SERVERS')).length === 1);
    await super.freeze(session);
  }

  override async endedBadly(): Promise<number> {
    const ends = [...(await this.#pooler.log()).matchAll(/ C-0x\S+: .*closing because: (.*?) \(age/g)];
    return ends.filter(([, reason]) => reason !== 'client close request').length;
  }

  override async close(): Promise<void> {
    for (const each of [this.#pooler, ...this.#others.values()]) await each.close();
    await super.close();
  }

  protected override get poolSettings(): Partial<PgPoolOptions> {
    return { pooler: 'pgbouncer' };
  }

  protected override addressFor(account: Account | undefined): Address {
    const own = account && this.#others.get(account.name);
    return own === undefined ? this.address : { host: '127.0.0.1', port: own.port };
  }

  protected override async sessionsOf(applicationName: string): Promise<string[]> {
    const poolers = [this.#pooler, ...this.#others.values()].filter(({ pid }) => pid !== undefined);
    const clients = await Promise.all(poolers.map((each) => each.admin('SHOW CLIENTS')));
    return clients
      .flat()
      .filter((client) => client.application_name === applicationName)
      .map(({ ptr }) => String(ptr));
  }
}
