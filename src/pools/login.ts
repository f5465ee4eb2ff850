/** Gives the password for one connection attempt; called for each, within the attempt's bound. */
export type PasswordSource = () => string | Promise<string>;

/** A new way in. What is left out stays as it is; with nothing at all, the files of TLS are read again. */
export interface LoginChange {
  /** Replaces the whole URL, and with it a password function of before. A secret. */
  readonly url?: string | undefined;
  readonly user?: string | undefined;
  /** A secret. */
  readonly password?: string | PasswordSource | undefined;
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
 * @throws LoginSettingError for an empty user.
 */
export function changedLogin(
  pool: string,
  before: Login,
  { url, user, password }: LoginChange,
  putInto: (url: string, user: string | undefined, password: string | undefined) => string,
): Login {
  if (user === '') throw new LoginSettingError(pool, 'user', user, 'name a user of the server');
  const source = typeof password === 'function' ? password : undefined;
  const kept = url === undefined && password === undefined ? before.password : undefined;
  const next = putInto(url ?? before.url, user, typeof password === 'string' ? password : undefined);
  return { url: next, password: source ?? kept };
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
