import type { ConnectTrouble } from './session.js';

/** PgBouncer gives every error of its own one code, "protocol violation": only the words tell them apart. */
const TROUBLES: readonly (readonly [RegExp, ConnectTrouble])[] = [
  [/no more connections allowed/, 'crowded'],
  [/no such database|database ".*" does not exist/, 'unknown_database'],
  [/database ".*" is disabled/, 'disabled_database'],
  [/authentication failed|no such user|auth failed|login rejected/, 'credentials'],
  [/TLS|SSL required/, 'tls'],
];

/** The code of PgBouncer's own errors. */
export const POOLER_STATE = '08P01';

/** What an error of PgBouncer says about the attempt to connect that failed with it. */
export function poolerTrouble(error: unknown): ConnectTrouble {
  const message = messageOf(error);
  return TROUBLES.find(([words]) => words.test(message))?.[1] ?? 'unreachable';
}

/** A pooler takes no settings at the start that it does not know: nobody else says this. */
export function refusesStartupParameter(error: unknown): boolean {
  return /unsupported (?:options )?startup parameter/i.test(messageOf(error));
}

const TAKES_NO_SETTING =
  'the pooler takes no such setting at the start; take it out of the url (and PGOPTIONS) and put it on the role or the ' +
  'database (ALTER ROLE ... SET), or list it in ignore_startup_parameters of the pooler, which then leaves it out';

const IS_POOLER = 'what answers is a pooler; set pooler of the pool to auto or pgbouncer, not none';

/** What helps whoever was refused for a setting at the start. @param denied - The configuration says that there is no pooler. */
export function startupRemedy(denied: boolean): string {
  return denied ? IS_POOLER : TAKES_NO_SETTING;
}

/** A pooler in statement mode takes no BEGIN, and ends the session. */
export function refusesTransactions(error: unknown): boolean {
  return /statement pooling/.test(messageOf(error));
}

/** The console of PgBouncer, which is reached like a database of that name and takes only commands of its own. */
export function isConsole(error: unknown): boolean {
  return /^invalid command .*SHOW HELP/s.test(messageOf(error));
}

/** What PgBouncer tells clients that wait for a session of the server; one that has a session hears something else. */
const WAITED_IN_VAIN = /^(?:server login has been failing|query_wait_timeout)/;

/** Whether a pooler sent its client away with a statement that it had passed on to nobody. */
export function turnedAway(error: unknown): boolean {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  // A function may raise any code with any text, but no FATAL.
  return code === POOLER_STATE && severity === 'FATAL' && WAITED_IN_VAIN.test(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
