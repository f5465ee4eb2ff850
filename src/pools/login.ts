/** Gives the password for one connection attempt; called for each, within the attempt's bound. */
export type PasswordSource = () => string | Promise<string>;

/**
 * A new way in. What is left out stays as it is; with nothing at all, the files of TLS are read again, and a password
 * function is asked again: where there are neither, that is refused.
 */
export interface LoginChange {
  /** Replaces the whole URL, and with it a password function of before. A secret. */
  readonly url?: string;
  readonly user?: string;
  /** A secret. */
  readonly password?: string | PasswordSource;
}

/** What a pool logs in with. */
export interface Login {
  /** A secret. */
  readonly url: string;
  /** In place of a password in the url. */
  readonly password?: PasswordSource | undefined;
}

/**
 * What a pool logs in with after a change.
 *
 * @param putInto - Puts a user and a password into a url, in place of those that are there; `undefined` leaves them.
 * @param hasFiles - Whether files of TLS are read with every change.
 * @throws LoginSettingError for a change that changes nothing, or has what is no part of a login.
 */
export function changedLogin(
  pool: string,
  before: Login,
  change: LoginChange,
  hasFiles: boolean,
  putInto: (url: string, user: string | undefined, password: string | undefined) => string,
): Login {
  checkChange(pool, change, hasFiles || before.password !== undefined);
  const { url, user, password } = change;
  const source = typeof password === 'function' ? password : undefined;
  const kept = url === undefined && password === undefined ? before.password : undefined;
  const next = putInto(url ?? before.url, user, typeof password === 'string' ? password : undefined);
  return { url: next, password: source ?? kept };
}

/** What each part of a change may be. */
const PARTS: Readonly<Record<string, string>> = {
  url: 'a string',
  user: 'a string',
  password: 'a string, or a function that gives one',
};

/** It may come from code without types, and from settings that are not there. */
function checkChange(pool: string, change: unknown, readsAgain: boolean): void {
  const known = Object.keys(PARTS).join(', ');
  if (typeof change !== 'object' || change === null) {
    throw new LoginSettingError(pool, 'the change', kindOf(change), `give an object with what changes of ${known}`);
  }
  const given = Object.entries(change);
  if (given.length === 0 && !readsAgain) {
    throw new LoginSettingError(pool, 'the change', '{}', `nothing would change; name what does of ${known}`);
  }
  for (const [field, value] of given) {
    const wanted = Object.hasOwn(PARTS, field) ? PARTS[field] : undefined;
    if (wanted === undefined) throw new LoginSettingError(pool, field, undefined, `it is not known here; use ${known}`);
    if (field === 'user' && value === '') throw new LoginSettingError(pool, field, value, 'name a user of the server');
    if (typeof value === 'string' || (field === 'password' && typeof value === 'function')) continue;
    const remedy = `it must be ${wanted}, and is ${kindOf(value)}; leave it out where it stays`;
    throw new LoginSettingError(pool, field, undefined, remedy);
  }
}

/** Tells nothing of a value that may be a secret. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** How the sessions of before end. */
export interface RotateOptions {
  /**
   * Whether sessions that are still at work after `withinMs` are cut. Default false: each ends when its work is done,
   * for a time in which the server accepts both logins.
   */
  readonly expel?: boolean | undefined;
  /** With `expel`: how long work in progress may still take, in ms, 0 to 600,000. Default 1,000. */
  readonly withinMs?: number | undefined;
}

/** A setting of the way in that cannot be used; nothing of it was tried. */
export class LoginSettingError extends Error {
  override readonly name = 'LoginSettingError';
  /** The option: `url`, `password`, `tlsCa`. */
  readonly field: string;
  /** Absent where it is a secret. */
  readonly value: string | undefined;
  /** What is wrong and what would work. */
  readonly remedy: string;

  constructor(pool: string, field: string, value: string | undefined, remedy: string) {
    super(`${field} of pool "${pool}"${value === undefined ? '' : ` is ${JSON.stringify(value)}`}: ${remedy}`);
    this.field = field;
    this.value = value;
    this.remedy = remedy;
  }
}

/** The new login was tried and did not work. The pool goes on with the one that it has. */
export class RotationRefusedError extends Error {
  override readonly name = 'RotationRefusedError';
  constructor(pool: string, reason: string) {
    super(`pool "${pool}" keeps its login, the new one does not work: ${reason}`);
  }
}
