import type { BeginOptions, Connection, QueryResult } from '../pools/contract.js';

/**
 * How one transaction begins that its first statement opens, where it can: a round trip less, during which the seat
 * would be held and the transaction would be idle. Before that statement nothing is open, so one without statements
 * costs nothing.
 *
 * Only for a connection that is `fresh`. On any other its BEGIN goes ahead, because it shows whether the connection
 * still lives while nothing of the caller's has been sent, and another one does as well.
 */
export class TransactionStart {
  readonly #connection: Connection;
  readonly #options: BeginOptions;
  /** Settles when the transaction is open; rejects when it will never be. */
  #opened: Promise<void> | undefined;
  readonly #onOpen: () => void;

  /** @param onOpen - The transaction is open: from now on its statements go straight to the connection. */
  constructor(connection: Connection, options: BeginOptions, onOpen: () => void) {
    this.#connection = connection;
    this.#options = options;
    this.#onOpen = onOpen;
  }

  /** Whether a statement has been sent, or is about to be. */
  get begun(): boolean {
    return this.#opened !== undefined;
  }

  /** Resolves when the transaction is open. */
  async opened(): Promise<void> {
    await this.#opened;
  }

  query<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    // Sent before its transaction is open, a second statement would be committed by itself if that failed.
    if (this.#opened === undefined) return this.#first<Row>(text, values, limitMs);
    return this.#opened.then(() => this.#connection.query<Row>(text, values, limitMs));
  }

  #first<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    const connection = this.#connection;
    const result = connection.beginWith<Row>(text, values, limitMs, this.#options);
    if (result !== undefined) {
      this.#await(
        result.then(
          () => undefined,
          (error) => this.#failed(error),
        ),
      );
      return result;
    }
    const begun = connection.begin(limitMs, this.#options);
    this.#await(begun);
    return begun.then(() => connection.query<Row>(text, values, limitMs));
  }

  /** A first statement that fails has opened its transaction all the same, if it came so far. */
  #failed(error: unknown): void {
    if (!this.#connection.inTransaction) throw error;
  }

  #await(opened: Promise<void>): void {
    this.#opened = opened.then(this.#onOpen);
    // Whoever asks is told.
    this.#opened.catch(() => undefined);
  }
}
