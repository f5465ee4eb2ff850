import type { PriorityClass } from '../core/priority.js';
import { PRIORITY_CLASSES } from '../core/priority.js';
import type { QueryResult } from '../pools/contract.js';
import { readStatement, type SluiceClient, type SluiceConnection, type Statement } from './borrowed-client.js';
import type { RequestWork } from './request-work.js';
import { type RetryableTransactionOptions, retryPlan } from './retry-options.js';
import type { Runner } from './run-work.js';
import { TransactionRetry } from './transaction-retry.js';

/**
 * What a handler holds of its admitted request: deadline, signal and database, all bounded by the time left. On Express
 * it is `req.sluice`; in `gateway.run` it is the argument.
 */
export class RequestHandle implements SluiceClient {
  readonly #work: RequestWork;
  readonly #runner: Runner;
  /** Made by the first transaction that may be run again. */
  #retry: TransactionRetry | undefined;

  /** @internal */
  constructor(work: RequestWork, runner: Runner) {
    this.#work = work;
    this.#runner = runner;
  }

  /** Name of the route. */
  get route(): string {
    return this.#work.route.name;
  }

  /** The class in which the request was admitted. */
  get priority(): PriorityClass {
    return PRIORITY_CLASSES[this.#work.ticket.rank];
  }

  /** How long the request waited for its seat, in milliseconds. */
  get queueWaitMs(): number {
    return this.#work.queueWaitMs;
  }

  /** The instant after which the answer is worthless, on the clock of `performance.now()`; `Infinity` for none. */
  get deadlineAtMs(): number {
    return this.#work.deadlineAtMs;
  }

  /** Milliseconds until the deadline, at least 0; pass it on to other services. `Infinity` for none. */
  timeLeftMs(): number {
    return Math.max(0, this.#work.deadlineAtMs - this.#runner.clock.nowMs());
  }

  /** Aborted when the deadline runs out or the client leaves. Hand it to `fetch` and the like. */
  get signal(): AbortSignal {
    return this.#work.handler.signal;
  }

  /**
   * Runs one statement on a connection of the route's pool, outside a transaction.
   *
   * What its text changes in the session is undone before the next borrower; what a function or trigger of the
   * application changes behind it (`set_config(…, false)`) is not seen, and stays. Set what row level security reads
   * with `set_config(…, true)` in a {@link transaction}, or name `set_config` in a comment of the statement.
   *
   * @throws See {@link SluiceClient.query}.
   */
  async query<Row = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    const { text, params } = readStatement(statement, values);
    if (this.#retry?.aside !== undefined) await this.#retry.aside;
    // Awaited, a promise is told on in one turn of the event loop's jobs; returned, in three.
    return await this.#work.handler.session.query<Row>(text, params);
  }

  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws or the deadline runs out
   * before COMMIT was sent. Once COMMIT is sent it is never cancelled.
   *
   * On PostgreSQL its BEGIN goes with its first statement, in one message, where that has values and the connection
   * answered less than half a second ago: `now()` is the instant of that statement then, and `work` without statements
   * costs the database nothing.
   *
   * With `retry`, `work` is run again, with a fresh client, after it met a conflicting transaction: after a jittered
   * wait without connection and seat, within the deadline, as often as `retry` and the budget of the pool allow (one
   * retry for every ten transactions), and never once COMMIT was sent and not answered.
   *
   * @throws What `work` throws, and what {@link SluiceClient.query} throws; contention as the driver's own error, also
   *   after the last try. After `connection_lost` its `outcome` tells whether the COMMIT may have taken effect.
   * @throws ImplicitCommitError on MySQL and MariaDB, when a statement has or may have committed what came before it.
   */
  async transaction<T>(work: (client: SluiceClient) => Promise<T>, options?: RetryableTransactionOptions): Promise<T> {
    if (this.#retry?.aside !== undefined) await this.#retry.aside;
    const once = (): Promise<T> => this.#work.handler.session.transaction(work, options);
    const { pool } = this.#work.route;
    const plan = retryPlan(options?.retry);
    pool?.retries.budget.pay();
    if (plan === undefined || pool === undefined) return await once();
    const { clock, random } = this.#runner;
    this.#retry ??= new TransactionRetry(this.#work.handler, pool, clock, random);
    return this.#retry.run(plan, once);
  }

  /**
   * Borrows a connection until its `release()`. Prefer {@link query} and {@link transaction}, which cannot forget it.
   * Whoever comes next finds the session clean, but for what {@link query} says of functions and triggers.
   */
  async connect(): Promise<SluiceConnection> {
    if (this.#retry?.aside !== undefined) await this.#retry.aside;
    return this.#work.handler.session.connect();
  }

  /** @internal Whoever runs it waits no longer for a database that is away. */
  giveUpWaiting(): void {
    this.#work.handler.giveUpWaiting();
  }

  /** Seats that the request holds; 0 on a route without seats, and while it gave its own up. */
  get seats(): number {
    return this.#work.handler.seats;
  }

  /**
   * Returns seats early: the work turned out smaller than its `cost`. The request keeps one seat at least.
   *
   * @param seats - How many to return; parts of a seat count as none.
   * @returns How many were returned.
   */
  giveBack(seats: number): number {
    return this.#work.handler.giveBack(seats);
  }

  /**
   * Waits for something else than the database without holding the seat: gives it up while `work` runs and comes back
   * at the head of its class. Every connection must have been given back.
   */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    if (this.#retry?.aside !== undefined) await this.#retry.aside;
    return this.#work.handler.outside(work);
  }

  /**
   * Runs work of another route inside this request, within its time left. Refused for a route on the same pool, or on
   * that of a request inside which this one runs: it could wait for a seat that they hold.
   */
  run<T>(routeName: string, work: (handle: RequestHandle) => Promise<T>): Promise<T> {
    return this.#runner.runInside(this.#work, routeName, work);
  }
}
