import pg from 'pg';
import { createPgPool, type PgPoolOptions } from '../../../src/pools/connection-pool.js';
import type { Connection } from '../../../src/pools/contract.js';
import { readServerLimits, type ServerLimits } from '../../../src/pools/server-limits.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import type { Account, ContractServer, Dialect, Engine, TestedPool, TestedPoolOptions } from '../engine.js';
import type { Address } from '../relay.js';
import { Journal, STILL } from '../support.js';

const SETTINGS = ['search_path', 'work_mem', 'statement_timeout', 'lock_timeout', 'session_replication_role'];

const STATE = `SELECT concat_ws(' | ', current_user, session_user, pg_current_xact_id_if_assigned(),
  ${SETTINGS.map((name) => `current_setting('${name}')`).join(', ')},
  (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
  (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
  (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
  (SELECT count(*) FROM pg_cursors WHERE is_holdable),
  (SELECT count(*) FROM pg_listening_channels())) AS state`;

/** What the suite says to a PostgreSQL. */
export const sql: Dialect = {
  sessionId: 'SELECT pg_backend_pid() AS id',
  sleep: (ms) => `SELECT pg_sleep(${ms / 1_000})`,
  echo: (ms) => (ms === 0 ? 'SELECT $1::text AS nonce' : `SELECT $1::text AS nonce, pg_sleep(${ms / 1_000})`),
  mistake: 'SELECT nonsense',
  add: 'INSERT INTO entries VALUES ($1)',
  entries: 'SELECT entry FROM entries ORDER BY entry',
  lock: 'UPDATE stock SET left_over = left_over WHERE sku = $1',
  state: STATE,
  traces: [
    {
      kind: 'a setting',
      what: 'the path of names',
      leave: "SET search_path = 'elsewhere'",
      look: "SELECT current_setting('search_path') AS value",
      clean: '"$user", public',
    },
    {
      kind: 'what a select has set',
      what: 'by a function',
      leave: "SELECT set_config('work_mem', '77MB', false)",
      look: "SELECT current_setting('work_mem') AS value",
      clean: '4MB',
    },
    {
      kind: 'a setting',
      what: 'behind another statement',
      leave: "SELECT 1; SET work_mem = '77MB'",
      look: "SELECT current_setting('work_mem') AS value",
      clean: '4MB',
    },
    {
      kind: 'a setting behind a comment',
      what: 'before it and after',
      leave: "/* harmless */ SET work_mem = '77MB' -- x",
      look: "SELECT current_setting('work_mem') AS value",
      clean: '4MB',
    },
    {
      kind: 'a role',
      what: 'of a group',
      leave: 'SET ROLE pg_monitor',
      look: 'SELECT current_user::text AS value',
      clean: 'ordinary',
    },
    {
      kind: 'a temporary table',
      what: 'of a new name',
      leave: 'CREATE TEMP TABLE scratch (n int)',
      look: "SELECT to_regclass('scratch')::text AS value",
      clean: null,
    },
    {
      kind: 'a session lock',
      what: 'shared',
      // Shared, so that many borrowers can leave it at once.
      leave: 'SELECT pg_advisory_lock_shared(7)',
      look: `SELECT count(*)::int AS value FROM pg_locks
        WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
      clean: 0,
    },
    {
      kind: 'a prepared statement',
      what: 'by SQL',
      leave: 'PREPARE p AS SELECT 1',
      look: 'SELECT count(*)::int AS value FROM pg_prepared_statements WHERE from_sql',
      clean: 0,
    },
    {
      kind: 'what only its engine has',
      what: 'a cursor that outlives its transaction',
      leave: 'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
      look: 'SELECT count(*)::int AS value FROM pg_cursors WHERE is_holdable',
      clean: 0,
    },
    {
      kind: 'what only its engine has',
      what: 'a channel',
      leave: 'LISTEN news',
      look: 'SELECT count(*)::int AS value FROM pg_listening_channels()',
      clean: 0,
    },
  ],
  reshape: {
    make: 'CREATE TABLE shape AS SELECT 1 AS n',
    ask: 'SELECT * FROM shape WHERE n >= $1',
    change: 'ALTER TABLE shape ADD COLUMN m int DEFAULT 2',
  },
};

/** PostgreSQL without anything between. */
export const postgres: Engine = {
  name: 'PostgreSQL, direct',
  sql,
  lesserHere: [],
  start: async () => {
    const direct = new DirectPostgres(await startPostgres({ settings: SERVER_SETTINGS }));
    await direct.prepare();
    return direct;
  },
};

export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  max_connections: '40',
  deadlock_timeout: '20ms',
};

export const ORDINARY = 'ordinary';
/** Of accounts in a database that ends with its test. */
export const PASSWORD = 'contract';

let made = 0;

export class DirectPostgres implements ContractServer {
  readonly #server: PostgresServer;
  #admin: pg.Client | undefined;

  constructor(server: PostgresServer) {
    this.#server = server;
  }

  async prepare(): Promise<void> {
    await this.ask(`CREATE ROLE ${ORDINARY} LOGIN PASSWORD '${PASSWORD}' IN ROLE pg_monitor`);
    await this.ask(`GRANT CREATE ON SCHEMA public TO ${ORDINARY}`);
    await this.ask('CREATE TABLE entries (entry int PRIMARY KEY)');
    await this.ask('CREATE TABLE stock AS SELECT n AS sku, 1000 AS left_over FROM generate_series(1, 10) n');
    await this.ask('GRANT ALL ON entries, stock TO PUBLIC');
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#server.port };
  }

  makePool(options: TestedPoolOptions = {}): TestedPool {
    const { at, account, ...settings } = options;
    made += 1;
    const applicationName = `contract-${process.pid}-${made}`;
    const journal = new Journal();
    const pool = createPgPool({
      name: 'tested',
      url: this.#url(account?.name ?? ORDINARY, at ?? this.addressFor(account)),
      ...STILL,
      applicationName,
      listener: journal,
      ...this.poolSettings,
      ...settings,
    });
    const running = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'";
    return {
      pool,
      journal,
      sessions: () => this.sessionsOf(applicationName),
      running: async () => (await this.ask(running, [applicationName])).length,
    };
  }

  async makeAccount(connections: number): Promise<Account> {
    const name = await this.makeRole();
    const allow = async (most: number): Promise<void> => {
      await this.ask(`ALTER ROLE ${name} CONNECTION LIMIT ${most}`);
    };
    await allow(connections);
    const endIdleAfter = async (ms: number): Promise<void> => {
      await this.ask(`ALTER ROLE ${name} SET idle_session_timeout = ${ms}`);
    };
    return { name, allow, endIdleAfter };
  }

  limits(connection: Connection): Promise<ServerLimits> {
    return readServerLimits(connection);
  }

  stop(how: 'orderly' | 'crash'): Promise<void> {
    return this.#server.stop(how === 'orderly' ? 'fast' : 'immediate');
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  async kill(session: string): Promise<void> {
    await this.ask('SELECT pg_terminate_backend($1)', [session]);
  }

  freeze(session: string): void | Promise<void> {
    process.kill(Number(session), 'SIGSTOP');
  }

  thaw(session: string): void {
    process.kill(Number(session), 'SIGCONT');
  }

  async readOnly(on: boolean): Promise<void> {
    await this.ask(`ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`);
    await this.ask('SELECT pg_reload_conf()');
  }

  async endedBadly(): Promise<number> {
    const [row] = await this.ask(
      'SELECT (sessions_abandoned + sessions_killed + sessions_fatal)::int FROM pg_stat_database WHERE datname = $1',
      ['postgres'],
    );
    return Number(row?.[0]);
  }

  async close(): Promise<void> {
    await this.#admin?.end().catch(() => undefined);
    await this.#server.close();
  }

  #url(user: string, { host, port }: Address): string {
    return `postgres://${user}:${PASSWORD}@${host}:${port}/postgres`;
  }

  /** @returns The name of a new login. */
  protected async makeRole(): Promise<string> {
    made += 1;
    const name = `account_${made}`;
    await this.ask(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}'`);
    return name;
  }

  /** How the pools under test differ from what a caller of `makePool` says. */
  protected get poolSettings(): Partial<PgPoolOptions> {
    return {};
  }

  /** Where an account logs in, unless a test says otherwise. */
  protected addressFor(_account: Account | undefined): Address {
    return this.address;
  }

  /** The sessions of one application. */
  protected async sessionsOf(applicationName: string): Promise<string[]> {
    const rows = await this.ask('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [applicationName]);
    return rows.map(([pid]) => String(pid));
  }

  /** On one connection of the suite's own, which is made anew after the server was away. */
  protected async ask(text: string, values: unknown[] = []): Promise<unknown[][]> {
    const admin = this.#admin ?? (await this.#connect());
    const { rows } = await admin.query<unknown[]>({ text, values, rowMode: 'array' });
    return rows;
  }

  async #connect(): Promise<pg.Client> {
    const admin = new pg.Client({ connectionString: this.#server.url });
    admin.on('error', () => undefined);
    admin.on('end', () => {
      if (this.#admin === admin) this.#admin = undefined;
    });
    await admin.connect();
    this.#admin = admin;
    return admin;
  }
}
