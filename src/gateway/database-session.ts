import type { Clock } from '../clock.js';
import { isSluiceError } from '../errors.js';
import type { QueryResult, TransactionOptions } from '../pools/contract.js';
import { ImplicitCommitError } from '../pools/implicit-commit.js';
import { checkTransactionOptions } from '../pools/transaction-options.js';
import { BorrowedClient, type SluiceClient } from './borrowed-client.js';
import { FailedTransactionError, TransactionControlError } from './failures.js';
import type { Loan } from './loan.js';
import { LoanStatements } from './loan-statements.js';
import { Loans } from './loans.js';
import type { PoolRuntime } from './pool-runtime.js';
import type { SessionOwner } from './session-owner.js';
import { isControl, mayCommitByTheWay, type StatementKind } from './statement-kind.js';
import { tellFailure } from './tell-failure.js';

/**
 * The database work of one request: runs statements and transactions on borrowed connections, bounds each by the time
 * left, and knows at any instant what a caller may be told about the outcome.
 */
export class DatabaseSession {
  /** Its connections, until when it may have them, and what may be told about the work so far. */
  readonly loans: Loans;
  readonly #statements: LoanStatements;

  constructor(runtime: PoolRuntime, owner: SessionOwner, clock: Clock) {
    this.loans = new Loans(runtime, owner, clock);
    this.#statements = new LoanStatements(this.loans);
  }

  async query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const kind = this.#kindOf(text);
    if (isControl(kind)) throw new TransactionControlError('query');
    const borrowed = this.loans.borrow();
    let loan = borrowed instanceof Promise ? await borrowed : borrowed;
    if (this.#pooled) {
      loan.replace = async () => {
        this.loans.giveBack(loan);
        loan = await this.loans.borrow();
        return loan;
      };
    }
    try {
      const result = await this.#statements.run<Row>(loan, text, values, kind !== 'read', kind);
      // Its text did not show it; the caller would believe that its work is there.
      if (loan.connection.inTransaction) throw new TransactionControlError('leftOpen');
      return result;
    } finally {
      this.loans.giveBack(loan, text);
    }
  }

  async transaction<T>(work: (client: SluiceClient) => Promise<T>, options?: TransactionOptions): Promise<T> {
    checkTransactionOptions(options);
    let loan = await this.#beginOwn(options);
    const client = new BorrowedClient((text, values) => this.#inTransaction(loan, text, values));
    let over = false;
    if (this.#pooled && loan.start !== undefined) {
      loan.replace = async () => {
        this.loans.giveBack(loan);
        const next = await this.#beginOwn(options);
        // What was asked meanwhile has failed, and without it nothing may be committed.
        if (over || !loan.alone) {
          this.loans.giveBack(next);
          throw new Error('the transaction ended, or went on, before its statement could be sent again');
        }
        loan = next;
        return loan;
      };
    }
    try {
      const result = await work(client);
      // What somebody would still send now would come after the COMMIT, and be committed by itself.
      client.die();
      // Nobody waited for them; only after their end is anything committed that a deadline could not stop.
      if (loan.unanswered > 0) await loan.answered();
      await this.#commit(loan);
      return result;
    } finally {
      over = true;
      client.die();
      this.loans.giveBack(loan);
    }
  }

  async connect(): Promise<BorrowedClient> {
    const loan = await this.loans.borrow();
    loan.handed = true;
    return new BorrowedClient(
      (text, values) => this.#freeStatement(loan, text, values),
      () => this.loans.giveBack(loan),
    );
  }

  /** Whether a pooler stands in between. */
  get #pooled(): boolean {
    return this.loans.runtime.pool.shared;
  }

  /** Begins a transaction that `transaction()` ends. */
  async #beginOwn(options: TransactionOptions | undefined): Promise<Loan> {
    const loan = await this.#begin(options);
    loan.endsItself = true;
    loan.handed = true;
    return loan;
  }

  async #begin(options: TransactionOptions | undefined): Promise<Loan> {
    const { loans } = this;
    const borrowed = loans.borrow();
    const loan = borrowed instanceof Promise ? await borrowed : borrowed;
    const nowMs = loans.clock.nowMs();
    loan.statementSinceMs = nowMs;
    loan.readOnly = options?.readOnly === true;
    const begin = { ...options, unbroken: true };
    if (loan.connection.fresh) {
      loan.beginLater(begin);
      return loan;
    }
    this.#statements.send(nowMs);
    try {
      await loan.connection.begin(this.#statements.limitMs(nowMs), begin);
      this.#statements.tell('BEGIN', nowMs);
      return loan;
    } catch (error) {
      this.#statements.tell('BEGIN', nowMs, error);
      loans.giveBack(loan);
      const lost = loans.runtime.pool.classify(error) === 'connection_lost';
      // Nothing of the caller's work was sent yet, so another connection does as well, in the time that is left.
      if (lost && !loans.closed && this.#statements.limitMs(loans.clock.nowMs()) !== 1) return this.#begin(options);
      throw this.#statements.told(error, loan);
    }
  }

  /** A statement of a transaction that is not the handler's to begin or end. */
  #inTransaction<Row>(loan: Loan, text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const kind = this.loans.runtime.kinds.insideOf(text);
    if (isControl(kind)) return Promise.reject(new TransactionControlError('transaction'));
    const answer = this.#statements.run<Row>(loan, text, values, mayCommitByTheWay(kind), kind);
    loan.asked(answer);
    return answer;
  }

  /** A statement of a connection that the handler steers itself: it may begin and end transactions of its own. */
  async #freeStatement<Row>(loan: Loan, text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const { inTransaction } = loan.connection;
    const kind = inTransaction ? this.loans.runtime.kinds.insideOf(text) : this.#kindOf(text);
    if (kind === 'commit' && inTransaction) {
      await this.#commit(loan);
      return { rows: [], rowCount: null, command: 'COMMIT' };
    }
    if (kind === 'begin' && !inTransaction) {
      if (this.loans.closed) throw this.loans.whyClosed();
      await loan.connection.begin(this.#statements.limitMs(this.loans.clock.nowMs())).catch((error) => {
        throw this.#statements.told(error, loan);
      });
      return { rows: [], rowCount: null, command: 'BEGIN' };
    }
    const commits = inTransaction ? isControl(kind) || mayCommitByTheWay(kind) : kind !== 'read';
    return this.#statements.run<Row>(loan, text, values, commits, kind);
  }

  async #commit(loan: Loan): Promise<void> {
    // No statement was sent, so there is nothing to commit.
    if (loan.start?.begun === false && !this.loans.closed) return;
    const { closed, clock, work } = this.loans;
    if (closed) throw this.loans.whyClosed();
    // Its connection was lost with its first statement, and no other came in its place.
    if (loan.returned) throw tellFailure(loan.failedWith, loan, this.loans);
    if (loan.start !== undefined && loan.connection.alive) throw this.#failed(loan);
    if (loan.brokenOff) throw new ImplicitCommitError(loan.failedWith);
    const sentAtMs = clock.nowMs();
    loan.committing = true;
    let committed: boolean;
    // To a session that is known to be lost nothing is sent.
    const { alive } = loan.connection;
    work.begin(alive);
    this.#statements.send(sentAtMs);
    try {
      committed = await loan.connection.commit();
      work.ended(alive, committed);
      this.#statements.tell('COMMIT', sentAtMs);
    } catch (error) {
      this.#statements.tell('COMMIT', sentAtMs, error);
      work.ended(alive, !this.#statements.answered(error));
      throw this.#statements.told(error, loan);
    } finally {
      loan.committing = false;
      // Closing has passed it over.
      if (this.loans.closed) this.loans.giveBack(loan);
    }
    if (!committed) throw this.#failed(loan);
    loan.verdict = 'success';
  }

  /** What a transaction ends with whose failure its handler has swallowed: the server may know the deadline before we do. */
  #failed(loan: Loan): unknown {
    const { failedWith } = loan;
    const told = failedWith === undefined ? undefined : tellFailure(failedWith, loan, this.loans);
    return isSluiceError(told) && told.code === 'deadline_expired' ? told : new FailedTransactionError(failedWith);
  }

  #kindOf(text: string): StatementKind {
    return this.loans.runtime.kinds.of(text);
  }
}
