import type { Connection, ConnectionPool } from '../../src/pools/contract.js';
import type { ServerLimits } from '../../src/pools/server-limits.js';
import type { SessionPoolOptions } from '../../src/pools/session-pool.js';
import type { Address } from './relay.js';
import type { Journal } from './support.js';

/** What a borrower could leave in a session. The suite has one test for each, so that all engines run the same. */
export const TRACE_KINDS = [
  'a setting',
  'a setting behind a comment',
  'what a select has set',
  'a role',
  'a temporary table',
  'a session lock',
  'a prepared statement',
  'what only its engine has',
] as const;

/** A way to leave something behind in a session. */
export interface Trace {
  readonly kind: (typeof TRACE_KINDS)[number];
  /** Names it among those of its kind. */
  readonly what: string;
  readonly leave: string;
  /** Answers with one row that has one column `value`. */
  readonly look: string;
  /** What `look` finds in a session that nobody has touched. */
  readonly clean: unknown;
}

/** What the suite says to a server, in the server's own language. */
export interface Dialect {
  /**
   * Between two transactions a session has no part of the server to itself: a pooler stands in between. What would
   * stay in a session is refused then, and the end of that part is felt only by who has a transaction open.
   */
  readonly shared?: boolean;
  /** One row, one column `id`: names the session as {@link ContractServer.kill} takes it. */
  readonly sessionId: string;
  /** Does nothing for so long. */
  sleep(ms: number): string;
  /** One parameter, a text; answers with it as the column `nonce` after so long. */
  echo(ms: number): string;
  /** A statement that fails and does no harm. */
  readonly mistake: string;
  /** One parameter, a whole number: adds it to the table of entries. Twice the same is refused. */
  readonly add: string;
  /** All entries of that table, in the column `entry`. */
  readonly entries: string;
  /** One parameter, 1 to 10: changes that row of the table of stock and so locks it. */
  readonly lock: string;
  /** One row, one column `state`: a text that tells everything a borrower could have left in the session. */
  readonly state: string;
  /** At least one of each kind. */
  readonly traces: readonly Trace[];
  /** Changes the form of what `entriesOf` answers with: what a prepared statement would stumble over. */
  readonly reshape: { readonly make: string; readonly ask: string; readonly change: string };
}

/** Settings of a pool under test; what is not given is unbounded or off, and `max` is 4. */
export interface TestedPoolOptions extends Partial<Omit<SessionPoolOptions, 'name' | 'listener'>> {
  readonly connectTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Where to connect. Default: the server itself. */
  readonly at?: Address;
  /** As whom. Default: an ordinary account without bounds of its own. */
  readonly account?: Account;
  /** Whether the test is going to {@link ContractServer.freeze} one of its sessions. */
  readonly freezable?: boolean;
}

/** A login of the server. */
export interface Account {
  readonly name: string;
  /** From now on the server gives it so many connections at most. */
  allow(connections: number): Promise<void>;
  /** From now on the server ends new sessions of this login that are idle for so long. */
  endIdleAfter(ms: number): Promise<void>;
}

/** A pool on a real server, with what a test needs to look behind it. */
export interface TestedPool {
  readonly pool: ConnectionPool;
  readonly journal: Journal;
  /** The sessions of this pool as the server sees them, by the name that {@link Dialect.sessionId} gives. */
  sessions(): Promise<string[]>;
  /** How many of them run a statement. */
  running(): Promise<number>;
}

/** A server for one file of tests, started and ended by it. */
export interface ContractServer {
  readonly address: Address;
  makePool(options?: TestedPoolOptions): TestedPool;
  makeAccount(connections: number): Promise<Account>;
  limits(connection: Connection): Promise<ServerLimits>;
  /** `orderly` tells every session; `crash` tells nobody. */
  stop(how: 'orderly' | 'crash'): Promise<void>;
  start(): Promise<void>;
  /** Ends a session from outside, as an administrator would. */
  kill(session: string): Promise<void>;
  /** The part of the server that serves this session stands still until {@link thaw}. */
  freeze(session: string): void | Promise<void>;
  thaw(session: string): void;
  /** From now on the server takes no writes, or takes them again. Open sessions live on. */
  readOnly(on: boolean): Promise<void>;
  /** How many sessions ended without a goodbye, or because the server ended them, until now. */
  endedBadly(): Promise<number>;
  close(): Promise<void>;
}

/** What the suite needs of an engine. Nothing outside of it knows which one it is. */
export interface Engine {
  readonly name: string;
  readonly sql: Dialect;
  /**
   * Ids of the suite that cannot hold on this engine as they stand: their tests ask for the most that can. Each needs
   * its reason, and what holds instead, in the README beside this.
   */
  readonly lesserHere: readonly string[];
  start(): Promise<ContractServer>;
}
