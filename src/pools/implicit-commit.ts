/**
 * A statement has, or may have, committed by the way. Inside `transaction()` MySQL and MariaDB commit what came before
 * with statements that change tables, rights or locks, refused ones too, and whatever a procedure does: nothing is sent
 * in that transaction any more, and it is not tried again. On its own, a procedure may commit parts of its work and then
 * fail. `cause` is the error of the server, where there was one.
 */
export class ImplicitCommitError extends Error {
  override readonly name = 'ImplicitCommitError';
  /** What became of the work: it is, or may be, there. */
  readonly outcome = 'unknown';

  constructor(cause?: unknown) {
    super(
      'a statement committed by the way, or may have: what came before that is not rolled back. Look ' +
        'before you retry; run statements that change tables, rights or locks, and procedures that commit, outside transaction()',
      cause === undefined ? undefined : { cause },
    );
  }
}
