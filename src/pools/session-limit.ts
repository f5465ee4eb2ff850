import { LimitRun } from './limit-run.js';

/** A limit of the session in milliseconds, or the one that the server gave it at the start. */
export type SessionLimitValue = number | 'default';

/** Statements one after the other with the same limit after which the session takes it on, for one more message. */
const SAME_LIMITS = 4;

/** What a session's statement limit is, so that it is set only when it has to change. */
export class SessionLimit {
  readonly #wanted = new LimitRun();
  #value: SessionLimitValue | 'unknown' = 'default';

  /** Whether it has to change for a statement that wants `wanted`. */
  changesTo(wanted: SessionLimitValue): boolean {
    // Where it is unknown, the borrower has set a limit of its own: it asked for none of ours.
    return wanted !== this.#value && !(wanted === 'default' && this.#value === 'unknown');
  }

  /**
   * A statement wants this limit. Returns whether others have wanted the same before it, so that the session had better
   * have it.
   */
  wants(wanted: SessionLimitValue): boolean {
    return this.#wanted.next(wanted) >= SAME_LIMITS;
  }

  /** Whether it is certain to be this. */
  is(value: SessionLimitValue): boolean {
    return this.#value === value;
  }

  changed(value: SessionLimitValue): void {
    this.#value = value;
  }

  /** A statement of the borrower may have changed it. */
  doubt(): void {
    this.#value = 'unknown';
  }
}
