import type { RowDataPacket } from 'mysql2';
import type { Connection } from '../../../src/pools/contract.js';
import { createPool } from '../../../src/pools/create-pool.js';
import { readMysqlLimits } from '../../../src/pools/mysql-limits.js';
import type { ServerLimits } from '../../../src/pools/server-limits.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import type { Account, ContractServer, Dialect, Engine, TestedPool, TestedPoolOptions } from '../engine.js';
import type { Address } from '../relay.js';
import { Journal, STILL } from '../support.js';
import { FreezingRelay } from './freezing-relay.js';

const VARIABLES = [
  'sql_mode',
  'character_set_client',
  'collation_connection',
  'autocommit',
  'time_zone',
  'tx_isolation',
  'innodb_lock_wait_timeout',
  'wait_timeout',
];

const STATE = `SELECT CAST(CONCAT_WS(' | ', DATABASE(), CURRENT_ROLE(), @@in_transaction, @mine,
  ${VARIABLES.map((name) => `@@${name}`).join(', ')},
  (SELECT COUNT(*) FROM scratch),
  IS_USED_LOCK('a lock') = CONNECTION_ID()) AS CHAR) AS state`;

const sql: Dialect = {
  sessionId: 'SELECT CONNECTION_ID() AS id',
  sleep: (ms) => `SELECT SLEEP(${ms / 1_000})`,
  echo: (ms) => (ms === 0 ? 'SELECT CAST(? AS CHAR) AS nonce' : `SELECT ? AS nonce, SLEEP(${ms / 1_000})`),
  mistake: 'SELECT nonsense',
  add: 'INSERT INTO entries VALUES (?)',
  entries: 'SELECT entry FROM entries ORDER BY entry',
  lock: 'UPDATE stock SET left_over = left_over WHERE sku = ?',
  state: STATE,
  traces: [
    {
      kind: 'a setting',
      what: 'the mode of the language',
      leave: "SET sql_mode = 'ANSI'",
      look: "SELECT @@sql_mode LIKE '%ANSI%' AS value",
      clean: 0,
    },
    {
      kind: 'a setting behind a comment',
      what: 'before it and after',
      leave: "/* harmless */ SET time_zone = '+05:00' # x",
      look: 'SELECT @@time_zone AS value',
      clean: 'SYSTEM',
    },
    {
      kind: 'a setting',
      what: 'other characters',
      leave: 'SET NAMES latin1',
      look: 'SELECT @@character_set_client AS value',
      clean: 'utf8mb4',
    },
    {
      kind: 'a setting',
      what: 'transactions that begin by themselves',
      leave: 'SET autocommit = 0',
      look: 'SELECT @@autocommit AS value',
      clean: 1,
    },
    {
      kind: 'what a select has set',
      what: 'a variable',
      leave: 'SELECT @mine := 1',
      look: 'SELECT @mine AS value',
      clean: null,
    },
    {
      kind: 'what a select has set',
      what: 'a variable that it selects into',
      leave: 'SELECT 1 INTO @mine',
      look: 'SELECT @mine AS value',
      clean: null,
    },
    { kind: 'a role', what: 'of a user', leave: 'SET ROLE clerk', look: 'SELECT CURRENT_ROLE() AS value', clean: null },
    {
      kind: 'what only its engine has',
      what: 'another database',
      leave: 'USE other',
      look: 'SELECT DATABASE() AS value',
      clean: 'app',
    },
    {
      kind: 'a temporary table',
      what: 'that hides another',
      leave: 'CREATE TEMPORARY TABLE scratch (n int)',
      // It hides a table of this name that has a row.
      look: 'SELECT COUNT(*) AS value FROM scratch',
      clean: 1,
    },
    {
      kind: 'a session lock',
      what: 'with a name',
      leave: "SELECT GET_LOCK(CONCAT('lock ', CONNECTION_ID()), 0)",
      look: "SELECT IS_USED_LOCK(CONCAT('lock ', CONNECTION_ID())) IS NOT NULL AS value",
      clean: 0,
    },
    {
      kind: 'a prepared statement',
      what: 'by SQL',
      leave: "PREPARE p FROM 'SELECT 1'",
      look: `SELECT COUNT(*) AS value FROM performance_schema.prepared_statements_instances
        WHERE OWNER_THREAD_ID = (SELECT THREAD_ID FROM performance_schema.threads WHERE PROCESSLIST_ID = CONNECTION_ID())`,
      clean: 0,
    },
    {
      kind: 'a setting',
      what: 'a limit of its own',
      leave: 'SET max_statement_time = 7',
      look: 'SELECT @@max_statement_time AS value',
      clean: 0,
    },
  ],
  reshape: {
    make: 'CREATE TABLE shape AS SELECT 1 AS n',
    ask: 'SELECT * FROM shape WHERE n >= ?',
    change: 'ALTER TABLE shape ADD COLUMN m int DEFAULT 2',
  },
};

/** MariaDB through `mysql2`. */
export const mysql: Engine = {
  name: 'MariaDB',
  sql,
  lesserHere: ['F9', 'F58', 'ISO-3', 'LIF-12'],
  start: async () => {
    const server = await startMariadb({ 'max-connections': '40' });
    const relay = await FreezingRelay.to({ host: '127.0.0.1', port: server.port });
    const direct = new DirectMariadb(server, relay);
    await direct.prepare();
    return direct;
  },
};

const ORDINARY = 'ordinary';
/** Of accounts in a database that ends with its test. */
const PASSWORD = 'contract';
const SUPERVISED_MS = 10;
/**
 * A session whose socket is closed is shown for a moment longer. And those who `SLEEP()` share a mutex with those who
 * kill them: now and then the server tries for two seconds to wake one up, and what was closed meanwhile ends only then.
 */
const LINGER_MS = 4_000;

let made = 0;

class DirectMariadb implements ContractServer {
  readonly #server: MariadbServer;
  readonly #relay: FreezingRelay;
  readonly #idleLimits = new Map<string, number>();
  #supervising: Promise<void> | undefined;

  constructor(server: MariadbServer, relay: FreezingRelay) {
    this.#server = server;
    this.#relay = relay;
  }

  async prepare(): Promise<void> {
    const ask = (text: string): Promise<unknown> => this.#server.ask(text);
    await ask(`CREATE USER ${ORDINARY} IDENTIFIED BY '${PASSWORD}'`);
    await ask('CREATE DATABASE other');
    await ask('CREATE ROLE clerk');
    await ask('CREATE TABLE entries (entry int PRIMARY KEY)');
    await ask('CREATE TABLE aside (n int)');
    await ask('CREATE TABLE scratch AS SELECT 1 AS n');
    await ask('CREATE TABLE stock AS SELECT seq AS sku, 1000 AS left_over FROM seq_1_to_10');
    await ask('ALTER TABLE stock ADD PRIMARY KEY (sku)');
    await this.#admit(ORDINARY);
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#server.port };
  }

  makePool(options: TestedPoolOptions = {}): TestedPool {
    const { freezable = false, account, ...settings } = options;
    const at = options.at ?? (freezable ? this.#relay.address : this.address);
    made += 1;
    const applicationName = `contract-${process.pid}-${made}`;
    const journal = new Journal();
    const pool = createPool({
      name: 'tested',
      url: `mysql://${account?.name ?? ORDINARY}:${PASSWORD}@${at.host}:${at.port}/app`,
      ...STILL,
      applicationName,
      listener: journal,
      ...settings,
    });
    const seen = async (condition: string): Promise<string[]> => {
      const rows = await this.#server.ask<RowDataPacket>(
        `SELECT p.ID AS id FROM information_schema.PROCESSLIST p
         JOIN performance_schema.session_connect_attrs a ON a.PROCESSLIST_ID = p.ID
         WHERE a.ATTR_NAME = 'program_name' AND a.ATTR_VALUE = ? AND ${condition}`,
        [applicationName],
      );
      return rows.map(({ id }) => String(id));
    };
    return {
      pool,
      journal,
      sessions: async () => {
        let left = await seen('true');
        // Whoever is there throughout is open.
        for (const until = performance.now() + LINGER_MS; left.length > pool.max && performance.now() < until; ) {
          await new Promise((resolve) => setTimeout(resolve, SUPERVISED_MS));
          const now = await seen('true');
          left = left.filter((session) => now.includes(session));
        }
        return left;
      },
      running: async () => (await seen("p.COMMAND = 'Query'")).length,
    };
  }

  async makeAccount(connections: number): Promise<Account> {
    made += 1;
    const name = `account_${made}`;
    const allow = async (most: number): Promise<void> => {
      // 0 would be any number, and a negative one none.
      await this.#server.ask(`ALTER USER ${name} WITH MAX_USER_CONNECTIONS ${most === 0 ? -1 : most}`);
    };
    await this.#server.ask(`CREATE USER ${name} IDENTIFIED BY '${PASSWORD}'`);
    await this.#admit(name);
    await allow(connections);
    return {
      name,
      allow,
      // Servers count idle time in seconds; sooner an operator's tool ends it, and just as roughly.
      endIdleAfter: async (ms) => {
        this.#idleLimits.set(name, ms);
        this.#supervising ??= this.#supervise();
      },
    };
  }

  async limits(connection: Connection): Promise<ServerLimits> {
    return await readMysqlLimits(connection);
  }

  stop(how: 'orderly' | 'crash'): Promise<void> {
    return this.#server.stop(how);
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  async kill(session: string): Promise<void> {
    await this.#server.ask(`KILL ${Number(session)}`);
  }

  freeze(session: string): void {
    this.#relay.freeze(session);
  }

  thaw(session: string): void {
    this.#relay.thaw(session);
  }

  async readOnly(on: boolean): Promise<void> {
    await this.#server.ask(`SET GLOBAL read_only = ${on ? 1 : 0}`);
  }

  async endedBadly(): Promise<number> {
    const rows = await this.#server.ask<RowDataPacket>("SHOW GLOBAL STATUS LIKE 'Aborted_clients'");
    return Number(rows[0]?.Value);
  }

  async close(): Promise<void> {
    this.#idleLimits.clear();
    await this.#supervising;
    await this.#relay.close();
    await this.#server.close();
  }

  async #admit(user: string): Promise<void> {
    for (const database of ['app', 'other']) await this.#server.ask(`GRANT ALL ON ${database}.* TO ${user}`);
    await this.#server.ask(`GRANT SELECT ON performance_schema.* TO ${user}`);
    await this.#server.ask(`GRANT clerk TO ${user}`);
  }

  async #supervise(): Promise<void> {
    while (this.#idleLimits.size > 0) {
      // While the server is away there is nobody to end.
      for (const [name, ms] of this.#idleLimits) await this.#endIdle(name, ms).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, SUPERVISED_MS));
    }
  }

  /** In one statement, so that hardly any time lies between the look and the end. */
  async #endIdle(name: string, ms: number): Promise<void> {
    await this.#server.ask(
      `FOR idle IN (SELECT ID FROM information_schema.PROCESSLIST
         WHERE USER = '${name}' AND COMMAND = 'Sleep' AND TIME_MS > ${ms}) DO KILL idle.ID; END FOR`,
    );
  }
}
