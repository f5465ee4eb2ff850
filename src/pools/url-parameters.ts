import { nearestName } from '../core/nearest.js';
import { LoginSettingError } from './login.js';

/** What a pool, its driver or another tool calls by this name in a url, and what to write instead. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['max', 'set max of the pool'],
  ['connection_limit', 'set max of the pool'],
  ['connectionlimit', 'set max of the pool'],
  ['pool_timeout', 'set deadlineMs of the routes: it bounds the wait, too'],
  ['connectiontimeoutmillis', 'set connectTimeoutMs of the pool'],
  ['connecttimeout', 'set connectTimeoutMs of the pool'],
  ['idletimeoutmillis', 'set idleTimeoutMs of the pool'],
  ['pgbouncer', 'set pooler of the pool to pgbouncer'],
]);

/** Whatever is not of this form may be a piece of a password that was not encoded. */
const NAME = /^[A-Za-z][\w.-]{0,39}$/;
const SECRET = /pass(?!file)|pwd|secret|scram/i;

/**
 * A parameter of a connection url that nobody reads: whatever was meant by it would not happen, and nobody would hear.
 *
 * @param before - Parameters that came before it: one that follows a secret may be the rest of it, and is not shown.
 * @param known - Names that are read.
 * @param hints - What to write instead of names that are no slips, in lower case; before those that all engines share.
 */
export function unreadParameter(
  pool: string,
  [name, value]: readonly [name: string, value: string],
  before: Iterable<string>,
  known: readonly string[],
  hints: ReadonlyMap<string, string>,
): LoginSettingError {
  // After an @ comes a host: what is before it was no parameter, but a password with a question mark.
  if (!NAME.test(name) || value.includes('@') || [...before].some((each) => SECRET.test(each))) {
    const remedy =
      'it has a parameter that nobody reads; if that is a piece of the password, percent-encode & as %26 and ? as %3F';
    return new LoginSettingError(pool, 'url', undefined, remedy);
  }
  const lower = name.toLowerCase();
  const nearest = nearestName(name, known);
  const instead =
    hints.get(lower) ?? ELSEWHERE.get(lower) ?? (nearest === undefined ? undefined : `did you mean ${nearest}?`);
  const list = `known are ${known.join(', ')}`;
  return new LoginSettingError(
    pool,
    'url',
    `${name}=…`,
    `nobody reads this parameter; ${instead ?? `leave it out: ${list}`}`,
  );
}

/**
 * Notes a parameter of a url under the name by which it is read.
 *
 * @param written - As the url has it.
 * @throws LoginSettingError when the url has it with another value as well: one of the two would be passed over unheard.
 */
export function noteOnce(
  pool: string,
  noted: Map<string, string>,
  [name, value]: readonly [name: string, value: string],
  written: string = name,
): void {
  const before = noted.get(name);
  if (before !== undefined && before !== value) {
    const twice = written === name ? 'it stands there twice, with two values' : `${name} says something else`;
    throw new LoginSettingError(pool, 'url', `${written}=…`, `${twice}; leave one of the two out`);
  }
  noted.set(name, value);
}
