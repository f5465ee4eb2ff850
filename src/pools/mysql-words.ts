import { wholeLimitMs } from './limit-steps.js';
import { isMysqlReadOnlyRefusal, isMysqlStopped, MysqlStatementStoppedError } from './mysql-errors.js';
import type { SessionLimitValue } from './session-limit.js';
import type { StatementWords } from './statement-wire.js';

/** What a server is, as far as its two kinds differ. */
export interface MysqlFlavour {
  readonly kind: 'MariaDB' | 'MySQL';
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/**
 * Reads the version by which a server greets: `8.0.36`, or `5.5.5-10.11.6-MariaDB-log`, whose first part MariaDB puts
 * there for old replicas. `undefined` when it is neither.
 */
export function flavourOf(version: string): MysqlFlavour | undefined {
  const kind = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version.replace(/^5\.5\.5-(?=\d)/, '')) ?? [];
  if (patch === undefined) return undefined;
  return { kind, major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** The first versions with both a limit of time for statements and a reset of the session. */
const OLDEST = { MariaDB: [10, 2, 4], MySQL: [5, 7, 8] } as const;

/** Why a server cannot be used, if so. */
export function tooOld(version: string): string | undefined {
  const flavour = flavourOf(version);
  const oldest = `MariaDB ${OLDEST.MariaDB.join('.')} or MySQL ${OLDEST.MySQL.join('.')}`;
  if (flavour === undefined) return `it calls itself "${version}": use ${oldest}, or newer`;
  const { kind, major, minor, patch } = flavour;
  const [least, ...rest] = OLDEST[kind];
  const old = major !== least ? major < least : minor !== rest[0] ? minor < rest[0] : patch < rest[1];
  return old ? `${kind} ${major}.${minor}.${patch} is too old: use ${oldest}, or newer` : undefined;
}

/** Whether sessions have roles. */
export function hasRoles({ kind, major }: MysqlFlavour): boolean {
  return kind === 'MariaDB' || major >= 8;
}

/**
 * Asks for what tells a server from others behind one address. Older versions of MariaDB have no number of their own, and
 * to select a variable that is not there is an error.
 */
export function serverNameText({ kind }: MysqlFlavour): string {
  const own =
    kind === 'MySQL'
      ? '@@server_uuid'
      : "(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'SERVER_UID')";
  return `CONCAT_WS(' ', @@hostname, @@port, @@server_id, @@datadir, ${own})`;
}

/** What MariaDB can be told a limit for in the same message; other statements refuse it, or are not worth it. */
const TAKES_LIMIT = /^(?:select|insert|update|delete|replace|with)\b/i;

/**
 * How the statements of a session speak. MariaDB bounds every statement, in seconds; MySQL only those that read, in
 * milliseconds: what writes is bounded there by a cancel alone. What waits within a COMMIT counts on MariaDB, too.
 *
 * @param defaultLimit - What the limit was when the session began, as the server gives it.
 */
export function mysqlWords({ kind }: MysqlFlavour, defaultLimit: string): StatementWords {
  const name = kind === 'MariaDB' ? 'max_statement_time' : 'max_execution_time';
  const perMs = kind === 'MariaDB' ? 1_000 : 1;
  const setting = (limit: SessionLimitValue): string =>
    `${name} = ${limit === 'default' ? defaultLimit : wholeLimitMs(limit) / perMs}`;
  const limitBefore: StatementWords['limitBefore'] = (limit, text) =>
    TAKES_LIMIT.test(text) ? `SET STATEMENT ${setting(limit)} FOR ` : undefined;
  return {
    limitChange: (limit) => `SET ${setting(limit)}`,
    ...(kind === 'MariaDB' ? { limitBefore, limitLifted: `SET STATEMENT ${name} = 0 FOR ` } : {}),
    isStopped: isMysqlStopped,
    isReadOnlyRefusal: isMysqlReadOnlyRefusal,
    stoppedUnsent: () => new MysqlStatementStoppedError(),
  };
}
