import { type QueryResult, ResultTooLargeError } from '../pools/contract.js';
import { ImplicitCommitError } from '../pools/implicit-commit.js';
import { ColumnNameError } from '../pools/mysql-columns.js';
import { turnedAway } from '../pools/pooler-errors.js';
import type { Loan } from './loan.js';
import type { Loans } from './loans.js';
import { makesReadOnly } from './own-read-only.js';
import type { StatementKind } from './statement-kind.js';
import { tellFailure } from './tell-failure.js';

/** The statements of one request, on whichever of its loans: what each may take, what came of it, and who hears of it. */
export class LoanStatements {
  readonly #loans: Loans;

  constructor(loans: Loans) {
    this.#loans = loans;
  }

  /**
   * Sends one, bounded by the time left.
   *
   * @param commits - Whether it commits by itself.
   * @throws What the caller is told.
   */
  async run<Row>(
    loan: Loan,
    text: string,
    values: readonly unknown[] | undefined,
    commits: boolean,
    kind: StatementKind,
  ): Promise<QueryResult<Row>> {
    const { closed, clock, work } = this.#loans;
    if (closed) throw this.#loans.whyClosed();
    if (kind === 'opaque') loan.opaque = true;
    const nowMs = clock.nowMs();
    loan.statementSinceMs = nowMs;
    work.begin(commits);
    this.send(nowMs);
    try {
      const result = await (loan.start ?? loan.connection).query<Row>(text, values, this.limitMs(nowMs));
      if (loan.brokenOff) throw new ImplicitCommitError();
      // Whether this kind has committed shows in that the transaction is over.
      work.ended(commits, kind !== 'committing' || !loan.connection.inTransaction);
      loan.verdict = 'success';
      if (makesReadOnly(result.command, text)) loan.readOnly = true;
      this.tell(text, nowMs);
      return result;
    } catch (error) {
      this.tell(text, nowMs, error);
      const ended = kind === 'committing' && !loan.connection.inTransaction;
      work.ended(commits, kind === 'opaque' || ended || !this.answered(error));
      const other = loan.replace && (await this.#another(loan, error));
      if (other !== undefined) return this.run(other, text, values, commits, kind);
      if (loan.brokenOff) work.committedByTheWay();
      loan.failedWith ??= error;
      throw this.told(error, loan);
    }
  }

  /**
   * Another connection for a statement of which nobody has heard but a pooler that sent its client away. Once: where it
   * happens again its caller knows sooner than by the deadline.
   */
  async #another(loan: Loan, error: unknown): Promise<Loan | undefined> {
    const { replace } = loan;
    if (replace === undefined || !loan.alone || loan.returned || !turnedAway(error)) return undefined;
    loan.replace = undefined;
    return this.#loans.closed ? undefined : replace().catch(() => undefined);
  }

  /** One is sent; {@link tell} follows. */
  send(nowMs: number): void {
    this.#loans.owner.watch?.query(nowMs);
  }

  /** One is over. */
  tell(text: string, sentAtMs: number, error?: unknown): void {
    const { owner, clock } = this.#loans;
    owner.watch?.queried(text, sentAtMs, clock.nowMs(), error);
  }

  /** What the caller is told of a failure. */
  told(error: unknown, loan: Loan): unknown {
    this.#loans.noteFailure(error);
    return tellFailure(error, loan, this.#loans);
  }

  /** Whether a failure is an answer of the server, or of a pooler before it, which says that nothing has taken effect. */
  answered(error: unknown): boolean {
    if (error instanceof ResultTooLargeError || error instanceof ColumnNameError) return false;
    const { pool } = this.#loans.runtime;
    return pool.classify(error) !== 'connection_lost' || (pool.shared && turnedAway(error));
  }

  /** The time left of the request in milliseconds, at least 1; `undefined` without a deadline. */
  limitMs(nowMs: number): number | undefined {
    const { deadlineAtMs } = this.#loans.owner;
    return deadlineAtMs === Number.POSITIVE_INFINITY ? undefined : Math.max(1, deadlineAtMs - nowMs);
  }
}
