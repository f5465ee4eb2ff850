/**
 * A statement inside `transaction()` has, or may have, committed what came before it: MySQL and MariaDB do that with
 * statements that change tables, rights or locks, refused ones too, and whatever a procedure does. Nothing is sent in
 * that transaction any more, and it is not tried again. `cause` is the error of the server, where there was one.
 */
export class ImplicitCommitError extends Error {
  override readonly name = 'ImplicitCommitError';
  /** What became of the work: it is, or may be, there. */
  readonly outcome = 'unknown';

  constructor(cause?: unknown) {
    super(
      'a statement inside transaction() committed by the way, or may have: what came before it is not rolled back. Look ' +
        'before you retry; run statements that change tables, rights or locks, and procedures that commit, outside transaction()',
      cause === undefined ? undefined : { cause },
    );
  }
}
