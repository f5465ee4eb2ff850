import { ConnectionEndedError } from './connection-ended.js';
import type { FailureKind } from './contract.js';
import type { ConnectTrouble } from './session.js';
import { isLocalShortage, isSocketLoss, isTlsCode } from './socket-errors.js';
import { UnsupportedServerError } from './unsupported-server.js';

/** What the driver says where it has a name for it; the number is there whenever the server spoke. */
interface MysqlError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly fatal?: unknown;
}

/** The session ends after these, whatever ran: shutdown, killed (MariaDB), idle for too long (MySQL). */
const ENDINGS: ReadonlySet<number> = new Set([1053, 1927, 4031]);
/** More than `max_allowed_packet`: the server hangs up soon after it has said so, on this one session. */
const PACKET_TOO_LARGE = 1153;
/** Deadlock, and rollbacks by which clusters settle who was first. */
const CONTENTION: ReadonlySet<number> = new Set([1213, 1020, 1613, 1614, 3101]);
/** KILL QUERY, MariaDB's limit of time, MySQL's. */
const STOPPED: ReadonlySet<number> = new Set([1317, 1969, 3024]);
/**
 * A lock not granted in time (1205, 3572), too many connections (1040, 1135, 1203, 1226), too many statements prepared
 * (1461), a full disk or table (1021, 1114), out of memory (1037, 1038, 1041), no room for locks (1206), read-only
 * (1836), a node of a cluster that is not ready (1047).
 */
const BUSY: ReadonlySet<number> = new Set([
  1021, 1037, 1038, 1040, 1041, 1047, 1114, 1135, 1203, 1205, 1206, 1226, 1461, 1836, 3572,
]);
/** A storage engine, an index or a table that is broken. */
const ILL: ReadonlySet<number> = new Set([1016, 1030, 1033, 1034, 1035, 1194, 1195, 1712, 1815]);
/** Whatever options keep a statement from running; only one of them is a state that passes. */
const PREVENTED_BY_OPTION = 1290;

const CREDENTIALS: ReadonlySet<number> = new Set([1045, 1130, 1396, 1698, 1820, 1862, 3118, 4151]);
const RIGHTS: ReadonlySet<number> = new Set([1044, 1142, 1227]);
const CROWDED: ReadonlySet<number> = new Set([1040, 1135, 1203, 1226]);
const UNRESOLVED: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'EAI_AGAIN']);
const SECURE_TRANSPORT_REQUIRED = 3159;
const UNKNOWN_DATABASE = 1049;
/** No way to log in that both know; a password in the format of before 4.1. */
const AUTHENTICATION_MODES: ReadonlySet<number> = new Set([1251, 1275]);
/** A resource of the user is used up: connections at once, or what it may do in an hour. */
const RESOURCE_USED_UP = 1226;
const PLUGIN_CODES: ReadonlySet<unknown> = new Set(['AUTH_SWITCH_PLUGIN_ERROR', 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED']);
const TLS_CODES: ReadonlySet<unknown> = new Set(['HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR']);

/** A statement that was stopped before it was sent; carries the number of a statement that was stopped on the server. */
export class MysqlStatementStoppedError extends Error {
  override readonly name = 'MysqlStatementStoppedError';
  readonly code = 'ER_QUERY_INTERRUPTED';
  readonly errno = 1317;
  constructor() {
    super('the statement was stopped before it was sent');
  }
}

/** Whether the session was to have TLS, and whether the server has any; `unasked` where it does. */
export type TlsOfAttempt = 'used' | 'unasked' | 'absent';

const TLS_HINTS: Readonly<Record<Exclude<TlsOfAttempt, 'used'>, string>> = {
  unasked: 'it may also want TLS, which was not asked for (tls: true, or ssl-mode=VERIFY_IDENTITY in the url)',
  absent: 'it may also want TLS (REQUIRE SSL, require_secure_transport), and has none to offer: give it a certificate',
};

/**
 * A refused connect, with what else may be behind it: servers that want TLS say no more than that they deny access, and
 * the driver names a plugin that it lacks without a way out.
 */
export function explainedRefusal(error: unknown, tls: TlsOfAttempt): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = seen(error);
  if (isLoginMode(error)) {
    const [said] = error.message.split('. See ');
    const remedy = 'give the user mysql_native_password or caching_sha2_password on the server';
    return new UnsupportedServerError(`${said}; ${remedy}`, { cause: error });
  }
  if (errnoOf(error) !== 1045 || tls === 'used') return error;
  return Object.assign(new Error(`${error.message}; ${TLS_HINTS[tls]}`, { cause: error }), { errno: 1045, code });
}

function isLoginMode(error: unknown): boolean {
  return AUTHENTICATION_MODES.has(errnoOf(error) ?? 0) || PLUGIN_CODES.has(seen(error).code);
}

/** The user has used up what it may do in an hour; `false` where it only has no further connection at once. */
export function isQuotaSpent(error: unknown): boolean {
  if (errnoOf(error) !== RESOURCE_USED_UP) return false;
  return error instanceof Error && /max_(?:queries|updates|statements)_per_hour/.test(error.message);
}

/** The number of an error, or `undefined` when the server did not speak: the driver's own numbers are not positive. */
export function errnoOf(error: unknown): number | undefined {
  const { errno } = seen(error);
  return typeof errno === 'number' && errno > 0 ? errno : undefined;
}

/** What kind of failure an error of MySQL, MariaDB or their driver is. */
export function classifyMysqlError(error: unknown): FailureKind {
  const errno = errnoOf(error);
  if (errno === undefined) return isMysqlLoss(error) ? 'connection_lost' : 'application';
  if (ENDINGS.has(errno)) return 'connection_lost';
  if (CONTENTION.has(errno)) return 'contention';
  if (STOPPED.has(errno)) return 'cancelled';
  if (BUSY.has(errno) || isMysqlReadOnlyRefusal(error)) return 'database_busy';
  return ILL.has(errno) ? 'server_fault' : 'application';
}

/** What an error says about the attempt to connect that failed with it. */
export function mysqlConnectTrouble(error: unknown): ConnectTrouble {
  const { code } = seen(error);
  const errno = errnoOf(error);
  if (error instanceof UnsupportedServerError || isLoginMode(error)) return 'unsupported';
  if (isQuotaSpent(error)) return 'quota_spent';
  if (errno === SECURE_TRANSPORT_REQUIRED) return 'tls_required';
  if (errno === UNKNOWN_DATABASE) return 'unknown_database';
  if (errno !== undefined && CREDENTIALS.has(errno)) return 'credentials';
  if (errno !== undefined && RIGHTS.has(errno)) return 'rights';
  if ((errno !== undefined && CROWDED.has(errno)) || isLocalShortage(error)) return 'crowded';
  if (UNRESOLVED.has(code)) return 'unresolved';
  return TLS_CODES.has(code) || isTlsCode(code) ? 'tls' : 'unreachable';
}

/**
 * Whether a session lost with this error makes its siblings suspect: not where the server only ended an idle one, or one
 * that had sent too much.
 */
export function isMysqlOutage(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== 4031 && errno !== PACKET_TOO_LARGE;
}

/** Whether a statement was stopped, by a cancel or by its limit. */
export function isMysqlStopped(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && STOPPED.has(errno);
}

/** Whether the server takes no writes; a transaction that was begun as read-only is not meant. */
export function isMysqlReadOnlyRefusal(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno === PREVENTED_BY_OPTION) return error instanceof Error && /read[-_ ]only/i.test(error.message);
  return errno === 1836;
}

/** Whether the session is over after this error. */
export function endsMysqlSession(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === undefined ? isMysqlLoss(error) : ENDINGS.has(errno) || errno === PACKET_TOO_LARGE;
}

function isMysqlLoss(error: unknown): boolean {
  if (error instanceof ConnectionEndedError) return true;
  const { code, fatal } = seen(error);
  return fatal === true || (typeof code === 'string' && (code.startsWith('PROTOCOL_') || isSocketLoss(code)));
}

function seen(error: unknown): MysqlError {
  return typeof error === 'object' && error !== null ? error : {};
}
