import type { PriorityClass } from '../core/priority.js';
import { PRIORITY_CLASSES } from '../core/priority.js';
import type { QueryResult, TransactionOptions } from '../pools/contract.js';
import { readStatement, type SluiceClient, type SluiceConnection, type Statement } from './borrowed-client.js';
import type { RequestWork } from './request-work.js';
import type { Runner } from './run-work.js';

/**
 * What a handler holds of its admitted request: deadline, signal and database, all bounded by the time left. On Express
 * it is `req.sluice`; in `gateway.run` it is the argument.
 */
export class RequestHandle implements SluiceClient {
  readonly #work: RequestWork;
  readonly #runner: Runner;

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
    return this.#work.signal;
  }

  /**
   * Runs one statement on a connection of the route's pool, outside a transaction.
   *
   * @throws See {@link SluiceClient.query}.
   */
  async query<Row = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    const { text, params } = readStatement(statement, values);
    return this.#work.session.query<Row>(text, params);
  }

  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws or the deadline runs out
   * before COMMIT was sent. Once COMMIT is sent it is never cancelled.
   *
   * @throws What `work` throws, and what {@link SluiceClient.query} throws. After `connection_lost` its `outcome` tells
   *   whether the COMMIT may have taken effect.
   */
  async transaction<T>(work: (client: SluiceClient) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#work.session.transaction(work, options);
  }

  /** Borrows a connection until its `release()`. Prefer {@link query} and {@link transaction}, which cannot forget it. */
  async connect(): Promise<SluiceConnection> {
    return this.#work.session.connect();
  }

  /** Seats that the request holds; 0 on a route without seats, and while it gave its own up. */
  get seats(): number {
    return this.#work.seats;
  }

  /**
   * Returns seats early: the work turned out smaller than its `cost`. The request keeps one seat at least.
   *
   * @param seats - How many to return; parts of a seat count as none.
   * @returns How many were returned.
   */
  giveBack(seats: number): number {
    return this.#work.giveBack(seats);
  }

  /**
   * Waits for something else than the database without holding the seat: gives it up while `work` runs and comes back
   * at the head of its class. Every connection must have been given back.
   */
  outside<T>(work: () => Promise<T>): Promise<T> {
    return this.#work.outside(work);
  }

  /**
   * Runs work of another route inside this request, within its time left. Refused for a route on the same pool: it
   * could wait for the seat that this request holds.
   */
  run<T>(routeName: string, work: (handle: RequestHandle) => Promise<T>): Promise<T> {
    return this.#runner.runInside(this.#work, routeName, work);
  }
}
