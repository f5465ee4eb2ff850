/** A limit of the session in milliseconds, or the one that the server gave it at the start. */
export type SessionLimitValue = number | 'default';

/** What a session's `statement_timeout` is, so that it is set only when it has to change. */
export class SessionLimit {
  #value: SessionLimitValue | 'unknown' = 'default';

  /** The statement that has to go ahead of one that wants `wanted`, if any. */
  changeTo(wanted: SessionLimitValue): string | undefined {
    if (wanted === this.#value) return undefined;
    if (wanted !== 'default') return `SET statement_timeout = ${wanted}`;
    // The borrower has set a limit of its own: it asked for none of ours.
    return this.#value === 'unknown' ? undefined : 'RESET statement_timeout';
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
