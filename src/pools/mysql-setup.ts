import type { MysqlClient } from './mysql-client.js';
import { flavourOf, hasRoles, type MysqlFlavour, serverNameText, tooOld } from './mysql-words.js';
import { UnsupportedServerError } from './unsupported-server.js';

/** What is known of a session when it is ready. */
export interface MysqlStart {
  readonly flavour: MysqlFlavour;
  /** The statement by which it was made ready, and is again after a reset. */
  readonly setup: string;
  /** The server's flags after it. */
  readonly flags: number;
  /** Tells its server from others: see {@link serverNameText}. */
  readonly server: string;
  /** The server hangs up on who sends more at once (`max_allowed_packet`). */
  readonly maxPacketBytes: number;
  /** The server ends it when it is idle for so long. */
  readonly waitTimeoutMs: number;
  /** The limit of statements that it began with, as the server gives it. */
  readonly defaultLimit: string;
  /** Its role, to be quoted; `undefined` for none. */
  readonly role: string | undefined;
}

interface Asked {
  readonly waitS: number;
  readonly packetBytes: number;
  readonly server: string;
  readonly statementLimit: string;
  readonly role: string | null;
}

/**
 * Makes a new session ready: characters as the driver writes them, every statement a transaction of its own unless one
 * is begun, bounded waits for locks. A reset puts all of this back to the server's own defaults.
 *
 * @param lockTimeoutMs - Servers count whole seconds, so it is rounded up; 0 leaves the server's own.
 * @throws UnsupportedServerError, or what the server says.
 */
export async function setUp(client: MysqlClient, lockTimeoutMs: number): Promise<MysqlStart> {
  const { serverVersion } = client;
  const flavour = flavourOf(serverVersion);
  const why = tooOld(serverVersion);
  if (flavour === undefined || why !== undefined) throw new UnsupportedServerError(why);
  const lockS = Math.ceil(lockTimeoutMs / 1_000);
  const locks = lockS > 0 ? `, innodb_lock_wait_timeout = ${lockS}, lock_wait_timeout = ${lockS}` : '';
  const setup = `SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci, autocommit = 1${locks}`;
  const { serverStatus: flags } = (await ask(client, setup)) as { readonly serverStatus: number };
  const limit = flavour.kind === 'MariaDB' ? '@@max_statement_time' : '@@max_execution_time';
  const role = hasRoles(flavour) ? 'CURRENT_ROLE()' : 'NULL';
  const [asked] = (await ask(
    client,
    `SELECT @@wait_timeout AS waitS, @@max_allowed_packet AS packetBytes, ${serverNameText(flavour)} AS server, CAST(${limit} AS CHAR) AS statementLimit, ${role} AS role`,
  )) as readonly Asked[];
  if (asked === undefined)
    throw new UnsupportedServerError('it does not tell its settings: look for a proxy in between');
  return {
    flavour,
    setup,
    flags,
    server: String(asked.server),
    maxPacketBytes: Number(asked.packetBytes),
    waitTimeoutMs: Number(asked.waitS) * 1_000,
    defaultLimit: asked.statementLimit,
    role: asked.role ?? undefined,
  };
}

function ask(client: MysqlClient, text: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.connection.query(text, (error, rows) => (error === null ? resolve(rows) : reject(error)));
  });
}
