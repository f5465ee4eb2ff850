import type { Clock } from '../clock.js';
import type { PriorityRank } from '../core/priority.js';
import { type Outcome, SluiceError } from '../errors.js';
import {
  AcquireTimeoutError,
  type Connection,
  PoolClosedError,
  type QueryResult,
  type TransactionOptions,
} from '../pools/contract.js';
import { BorrowedClient, type SluiceClient } from './borrowed-client.js';
import {
  AnsweredError,
  breakerOpen,
  connectionLost,
  databaseAway,
  databaseBusy,
  deadlineExpired,
  FailedTransactionError,
  speaksOfIllness,
} from './failures.js';
import { Loan } from './loan.js';
import type { PoolRuntime } from './pool-runtime.js';
import { statementKind } from './statement-kind.js';
import { WorkOutcome } from './work-outcome.js';

/** Whose database work this is. */
export interface SessionOwner {
  readonly routeName: string;
  readonly rank: PriorityRank;
  /** The whole time that the request was given, in milliseconds. */
  readonly allowedMs: number;
  /** A statement that was stopped after this long speaks against the database, not against a short budget. */
  readonly slowMs: number;
  readonly deadlineAtMs: number;
  /** Every connection of the request is back. */
  onIdle(): void;
}

/** The server measures its limit with a clock of its own. */
const CLOCK_SLACK_MS = 2;

/**
 * The database work of one request: borrows connections of one pool, bounds each statement by the time left, tells the
 * breaker how it went, and knows at any instant what a caller may be told about the outcome.
 */
export class DatabaseSession {
  readonly #runtime: PoolRuntime;
  readonly #owner: SessionOwner;
  readonly #clock: Clock;
  readonly #loans = new Set<Loan>();
  readonly #work = new WorkOutcome();
  readonly #answered = (error: unknown): boolean => this.#runtime.pool.classify(error) !== 'connection_lost';
  #acquiring = 0;
  #closed = false;
  #closedBy: Error | undefined;

  constructor(runtime: PoolRuntime, owner: SessionOwner, clock: Clock) {
    this.#runtime = runtime;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** True while no connection is borrowed or asked for. */
  get idle(): boolean {
    return this.#loans.size === 0 && this.#acquiring === 0;
  }

  /** True once {@link close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True while a COMMIT is on its way: nothing may be stopped now. */
  get committing(): boolean {
    for (const loan of this.#loans) if (loan.committing) return true;
    return false;
  }

  /** What a caller may be told about the work so far. */
  get outcome(): Outcome {
    return this.#work.outcome;
  }

  async query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const loan = await this.#borrow();
    try {
      return await this.#statement<Row>(loan, text, values, true);
    } finally {
      this.#giveBack(loan);
    }
  }

  async transaction<T>(work: (client: SluiceClient) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const loan = await this.#begin(options);
    const client = new BorrowedClient((text, values) => this.#statement(loan, text, values, false));
    try {
      const result = await work(client);
      await this.#commit(loan);
      return result;
    } finally {
      client.die();
      this.#giveBack(loan);
    }
  }

  async connect(): Promise<BorrowedClient> {
    const loan = await this.#borrow();
    const client: BorrowedClient = new BorrowedClient(
      (text, values) => this.#freeStatement(loan, text, values),
      () => this.#giveBack(loan),
    );
    return client;
  }

  /**
   * Ends the work: what runs is cancelled and rolled back, what is asked for later rejects with `reason`; without
   * one, because the request has been answered. A COMMIT that
   * is on its way is left alone.
   */
  close(reason?: Error): void {
    this.#closed = true;
    this.#closedBy ??= reason;
    const nowMs = this.#clock.nowMs();
    for (const loan of this.#loans) {
      if (loan.committing) continue;
      loan.slow = loan.connection.busy && nowMs - loan.statementSinceMs >= this.#owner.slowMs;
      this.#giveBack(loan);
    }
  }

  async #borrow(): Promise<Loan> {
    if (this.#closed) throw this.#whyClosed();
    const { pool, breaker } = this.#runtime;
    const nowMs = this.#clock.nowMs();
    const pass = breaker?.enter(nowMs, this.#owner.deadlineAtMs);
    if (breaker !== undefined && pass === undefined) {
      throw breakerOpen(pool.name, breaker.retryAfterMs(nowMs), this.outcome);
    }
    const free = pool.tryAcquire();
    const connection =
      free ??
      (await this.#acquire().catch((error) => {
        pass?.settle('neutral');
        throw error;
      }));
    const loan = new Loan(connection, pass, this.#clock);
    this.#loans.add(loan);
    if (this.#closed) {
      this.#giveBack(loan);
      throw this.#whyClosed();
    }
    return loan;
  }

  async #acquire(): Promise<Connection> {
    const { pool } = this.#runtime;
    this.#acquiring++;
    try {
      return await pool.acquire({ deadlineAtMs: this.#owner.deadlineAtMs, rank: this.#owner.rank });
    } catch (error) {
      if (this.#closed) throw this.#whyClosed();
      if (error instanceof PoolClosedError) throw databaseAway(pool.name, this.outcome, error);
      if (!(error instanceof AcquireTimeoutError)) throw error;
      if (pool.state !== 'up') throw databaseAway(pool.name, this.outcome, error);
      throw deadlineExpired(this.#owner.routeName, this.#owner.allowedMs, this.outcome);
    } finally {
      this.#acquiring--;
      if (this.#closed && this.idle) this.#owner.onIdle();
    }
  }

  async #begin(options: TransactionOptions | undefined): Promise<Loan> {
    const loan = await this.#borrow();
    try {
      loan.statementSinceMs = this.#clock.nowMs();
      loan.readOnly = options?.readOnly === true;
      await loan.connection.begin(this.#limitMs(), options);
      return loan;
    } catch (error) {
      this.#giveBack(loan);
      const lost = this.#runtime.pool.classify(error) === 'connection_lost';
      // Nothing of the caller's work was sent yet, so another connection does as well, in the time that is left.
      if (lost && !this.#closed && this.#limitMs() !== 1) return this.#begin(options);
      throw this.#told(error, loan);
    }
  }

  async #statement<Row>(
    loan: Loan,
    text: string,
    values: readonly unknown[] | undefined,
    alone: boolean,
  ): Promise<QueryResult<Row>> {
    if (this.#closed) throw this.#whyClosed();
    loan.statementSinceMs = this.#clock.nowMs();
    const send = (): Promise<QueryResult<Row>> => loan.connection.query<Row>(text, values, this.#limitMs());
    try {
      const commits = alone && statementKind(text) !== 'read';
      const result = await (commits ? this.#work.committing(send, this.#answered) : this.#work.uncommitted(send));
      loan.verdict = 'success';
      return result;
    } catch (error) {
      loan.failedWith ??= error;
      throw this.#told(error, loan);
    }
  }

  /** A statement of a connection that the handler steers itself: it may begin and end transactions of its own. */
  async #freeStatement<Row>(loan: Loan, text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const kind = statementKind(text);
    const { inTransaction } = loan.connection;
    if (kind === 'commit' && inTransaction) {
      await this.#commit(loan);
      return { rows: [], rowCount: null, command: 'COMMIT' };
    }
    if (kind === 'begin' && !inTransaction) {
      if (this.#closed) throw this.#whyClosed();
      await loan.connection.begin(this.#limitMs()).catch((error) => {
        throw this.#told(error, loan);
      });
      return { rows: [], rowCount: null, command: 'BEGIN' };
    }
    return this.#statement<Row>(loan, text, values, !inTransaction);
  }

  async #commit(loan: Loan): Promise<void> {
    if (this.#closed) throw this.#whyClosed();
    loan.committing = true;
    let committed: boolean;
    try {
      committed = await this.#work.committing(
        () => loan.connection.commit(),
        this.#answered,
        (took) => took,
      );
    } catch (error) {
      throw this.#told(error, loan);
    } finally {
      loan.committing = false;
    }
    if (!committed) throw new FailedTransactionError(loan.failedWith);
    loan.verdict = 'success';
  }

  /** What the caller is told about a failed statement, and what the breaker is told about it. */
  #told(error: unknown, loan: Loan): unknown {
    const { pool } = this.#runtime;
    const kind = loan.refusesWrite(error) ? 'application' : pool.classify(error);
    if (this.#closed) {
      loan.verdict = loan.slow ? 'failure' : 'neutral';
      return this.#whyClosed();
    }
    const slow = kind === 'cancelled' && this.#clock.nowMs() - loan.statementSinceMs >= this.#owner.slowMs;
    loan.verdict = slow || speaksOfIllness(kind, error) ? 'failure' : 'neutral';
    if (error instanceof SluiceError) return error;
    switch (kind) {
      case 'connection_lost':
        return connectionLost(pool.name, this.outcome, error);
      case 'database_busy':
        return databaseBusy(pool.name, this.outcome, error);
      case 'cancelled':
        return this.#isLate() ? deadlineExpired(this.#owner.routeName, this.#owner.allowedMs, this.outcome) : error;
      default:
        return error;
    }
  }

  /** Made only when somebody asks, for its stack and because most requests never do. */
  #whyClosed(): Error {
    return this.#closedBy ?? new AnsweredError(this.#owner.routeName);
  }

  /** A statement that was stopped before its deadline was stopped by somebody else: its handler, or an operator. */
  #isLate(): boolean {
    return this.#clock.nowMs() >= this.#owner.deadlineAtMs - CLOCK_SLACK_MS;
  }

  #limitMs(): number | undefined {
    const { deadlineAtMs } = this.#owner;
    if (deadlineAtMs === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(1, deadlineAtMs - this.#clock.nowMs());
  }

  /** Returns a connection, once. The loan counts until the connection is idle again or destroyed. */
  #giveBack(loan: Loan): void {
    if (loan.returned) return;
    loan.returned = true;
    const done = loan.connection.release();
    loan.settle();
    void done.then(() => {
      this.#loans.delete(loan);
      if (this.idle) this.#owner.onIdle();
    });
  }
}
