import { ConnectionEndedError } from './connection-ended.js';
import type { FailureKind } from './contract.js';
import { POOLER_STATE, poolerTrouble, refusesStartupParameter, startupRemedy } from './pooler-errors.js';
import type { ConnectTrouble } from './session.js';
import { isLocalShortage, isSocketLoss, isTlsCode } from './socket-errors.js';
import { UnsupportedServerError } from './unsupported-server.js';

/** Every SQLSTATE has a digit; that keeps system codes of five capitals (EPIPE, EPERM) apart. */
const SQLSTATE = /^(?=.*[0-9])[0-9A-Z]{5}$/;

/** The server ended this one session by a rule of its own (idle limits, `transaction_timeout`): the others are in no doubt. */
const OWN_RULE = new Set(['25P03', '25P04', '57P05']);

/** The SQLSTATE of an error, or `undefined` when the server did not speak. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && SQLSTATE.test(code) ? code : undefined;
}

/**
 * What kind of failure an error of PostgreSQL or of its driver is. Errors without a code are classified by that
 * absence: a killed backend, a crash and a reset connection carry none.
 */
export function classifyPgError(error: unknown): FailureKind {
  const state = sqlStateOf(error);
  if (state === undefined) return isConnectionLoss(error) ? 'connection_lost' : 'application';
  switch (state) {
    case '40001':
    case '40P01':
      return 'contention';
    case '57014':
      return 'cancelled';
    case '55P03':
    case '25006':
    case '57P03':
      return 'database_busy';
  }
  if (state.startsWith('53')) return 'database_busy';
  if (state.startsWith('58') || state.startsWith('XX')) return 'server_fault';
  // Class 08 without FATAL is a statement's own mistake: too few parameters, or a foreign server that is away.
  return isFatal(error) ? 'connection_lost' : 'application';
}

/** What an error says about the attempt to connect that failed with it. */
export function pgConnectTrouble(error: unknown): ConnectTrouble {
  if (error instanceof UnsupportedServerError) return 'unsupported';
  switch (sqlStateOf(error) ?? codeOf(error)) {
    case '28P01':
      return 'credentials';
    case '28000':
      return isMessageLike(error, UNENCRYPTED) ? 'tls_required' : 'credentials';
    case '42501':
      return 'rights';
    case '3D000':
      return 'unknown_database';
    case POOLER_STATE:
      return poolerTrouble(error);
    // One code with several texts, in the language of the server.
    case '57P03':
      return 'not_accepting';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'unresolved';
    case '53300':
      return 'crowded';
    default:
      if (isMessageLike(error, NO_PASSWORD)) return 'credentials';
      if (isLocalShortage(error)) return 'crowded';
      if (UNFIT.test(sqlStateOf(error) ?? '')) return 'unsupported';
      return isTlsFailure(error) ? 'tls' : 'unreachable';
  }
}

/** The driver's words for what it cannot read as a message of PostgreSQL, at a time when nothing else can have come. */
const OTHER_PROTOCOL = /^Received unexpected \w+ message|^received invalid response/;

/**
 * A refused connect, with what helps: what greets its clients first, as MySQL does, is read by the driver as messages
 * that make no sense, and a pooler says no more than which setting it does not take.
 *
 * @param poolerDenied - The configuration says that there is no pooler.
 */
export function explainedPgRefusal(error: unknown, poolerDenied: boolean): unknown {
  if (!(error instanceof Error)) return error;
  if (sqlStateOf(error) === POOLER_STATE && refusesStartupParameter(error)) {
    return new UnsupportedServerError(`${startupRemedy(poolerDenied)}: ${error.message}`, { cause: error });
  }
  if (!OTHER_PROTOCOL.test(error.message)) return error;
  const said = 'what answers does not speak as PostgreSQL does; correct the scheme, the host or the port of the url';
  return new UnsupportedServerError(`${said}: ${error.message}`, { cause: error });
}

/** The server answers, and what it was asked for at the start it does not have, or not with this value. */
const UNFIT = /^(?:0A|22|42|55)/;

/** An untranslated server (before 14 in the second form) that has no rule for a client without encryption. */
const UNENCRYPTED = /pg_hba\.conf.*, (?:no encryption|SSL off)$/;

/** The driver's words where the server asks for a password and there is none. */
const NO_PASSWORD = /client password must be a (?:non-empty )?string/;

/** The driver's words for a server that has no TLS, or speaks something else. */
const NO_TLS = /does not support SSL|establishing an SSL connection/;

function isTlsFailure(error: unknown): boolean {
  return isTlsCode(codeOf(error)) || isMessageLike(error, NO_TLS);
}

function isMessageLike(error: unknown, text: RegExp): boolean {
  return error instanceof Error && text.test(error.message);
}

/** Whether a session lost with this error makes its siblings suspect. */
export function isPgOutage(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || !OWN_RULE.has(state);
}

/** Whether the server took no write, because it, the session or the transaction is read-only. */
export function isReadOnlyRefusal(error: unknown): boolean {
  return sqlStateOf(error) === '25006';
}

/** Whether the server ends the session after this error. */
export function isFatal(error: unknown): boolean {
  const severity = severityOf(error);
  if (severity === 'FATAL' || severity === 'PANIC') return true;
  // A server may translate the severity, but never the code of an ending session. ERROR is a function's own raise.
  return severity !== 'ERROR' && sqlStateOf(error)?.startsWith('57P') === true;
}

/** The driver's words for a session that is gone; it gives these errors neither code nor class. */
const DRIVER_LOSS =
  /connection terminated|connection error and is not queryable|client was closed|unexpected \w+ message/i;

function isConnectionLoss(error: unknown): boolean {
  if (error instanceof ConnectionEndedError) return true;
  const code = codeOf(error);
  if (code !== undefined) return isSocketLoss(code);
  return error instanceof Error && DRIVER_LOSS.test(error.message);
}

/** A statement that was stopped before it was sent; carries the SQLSTATE of a cancelled statement. */
export class StatementStoppedError extends Error {
  override readonly name = 'StatementStoppedError';
  readonly code = '57014';
  constructor() {
    super('the statement was stopped before it was sent');
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function severityOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('severity' in error)) return undefined;
  return typeof error.severity === 'string' ? error.severity : undefined;
}
