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
