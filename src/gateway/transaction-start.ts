import type { BeginOptions, Connection, QueryResult } from '../pools/contract.js';

/** A statement that waits for its transaction to be open. */
interface Waiting {
  send(): void;
  refuse(error: unknown): void;
}

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
  readonly #onOpen: () => void;
  #state: 'new' | 'opening' | 'open' | 'failed' = 'new';
  #failure: unknown;
  readonly #waiting: Waiting[] = [];

  /** @param onOpen - The transaction is open: from now on its statements go straight to the connection. */
  constructor(connection: Connection, options: BeginOptions, onOpen: () => void) {
    this.#connection = connection;
    this.#options = options;
    this.#onOpen = onOpen;
  }

  /** Whether a statement has been sent, or is about to be. */
  get begun(): boolean {
    return this.#state !== 'new';
  }

  query<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    if (this.#state === 'new') return this.#first<Row>(text, values, limitMs);
    if (this.#state === 'failed') return Promise.reject(this.#failure);
    const send = (): Promise<QueryResult<Row>> => this.#connection.query<Row>(text, values, limitMs);
    // Sent before its transaction is open, it would be committed by itself if that failed.
    return this.#state === 'open' ? send() : this.#later(send);
  }

  #first<Row>(
    text: string,
    values: readonly unknown[] | undefined,
    limitMs: number | undefined,
  ): Promise<QueryResult<Row>> {
    const connection = this.#connection;
    this.#state = 'opening';
    const result = connection.beginWith<Row>(text, values, limitMs, this.#options);
    if (result !== undefined) {
      // One that fails has opened its transaction all the same, if it came so far.
      result.then(
        () => this.#open(),
        (error) => (connection.inTransaction ? this.#open() : this.#fail(error)),
      );
      return result;
    }
    const sent = this.#later(() => connection.query<Row>(text, values, limitMs));
    connection.begin(limitMs, this.#options).then(
      () => this.#open(),
      (error) => this.#fail(error),
    );
    return sent;
  }

  #later<Row>(send: () => Promise<QueryResult<Row>>): Promise<QueryResult<Row>> {
    return new Promise((resolve, refuse) => {
      this.#waiting.push({ send: () => resolve(send()), refuse });
    });
  }

  /** Those that wait are sent before anybody can ask for more, so that all run in the order of their calls. */
  #open(): void {
    this.#state = 'open';
    for (const { send } of this.#waiting.splice(0)) send();
    this.#onOpen();
  }

  #fail(error: unknown): void {
    this.#state = 'failed';
    this.#failure = error;
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }
}
