import type { QueryResult } from '../pools/contract.js';

/** A statement as an object, the way `pg` accepts it too. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Runs statements within one request. Dead after release or the end of the transaction: then every call rejects. */
export interface SluiceClient {
  /**
   * Runs one statement, bounded by the time left of the request.
   *
   * @throws SluiceError - `deadline_expired`, `connection_lost`, `database_busy`, `breaker_open`.
   * @throws TransactionControlError for a statement that begins or ends a transaction, except on a connection of
   *   `connect()`.
   * @throws SessionStateError behind a pooler in transaction mode, for a statement that would leave something in the
   *   session.
   * @throws The driver's own error for everything that is the application's business (constraints, syntax, data) and for
   *   contention (`40001`, `40P01`).
   */
  query<Row = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/** A connection that the handler steers itself and gives back itself. */
export interface SluiceConnection extends SluiceClient {
  /** Gives the connection back. What was left open is rolled back. A second call does nothing. */
  release(): void;
}

type Run = <Row>(text: string, values: readonly unknown[] | undefined) => Promise<QueryResult<Row>>;

/** The handle that application code holds instead of the driver's client, which would outlive its loan. */
export class BorrowedClient implements SluiceConnection {
  readonly #run: Run;
  readonly #giveBack: (() => void) | undefined;
  #dead = false;

  constructor(run: Run, giveBack?: () => void) {
    this.#run = run;
    this.#giveBack = giveBack;
  }

  query<Row = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    if (this.#dead) {
      return Promise.reject(new Error('this database client was used after it was given back; ask for a new one'));
    }
    try {
      const { text, params } = readStatement(statement, values);
      return this.#run<Row>(text, params);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  release(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#giveBack?.();
  }

  /** Ends the handle; the connection goes back by other ways. */
  die(): void {
    this.#dead = true;
  }
}

/** Text and values of a statement in either form; other fields of the driver's form are refused rather than ignored. */
export function readStatement(
  statement: string | Statement,
  values: readonly unknown[] | undefined,
): { text: string; params: readonly unknown[] | undefined } {
  if (typeof statement === 'string') return { text: statement, params: values };
  if (typeof statement !== 'object' || statement === null) {
    throw new TypeError(`a statement is a string, or an object with "text" and "values"; this is ${String(statement)}`);
  }
  const unknown = Object.keys(statement).find((key) => key !== 'text' && key !== 'values');
  if (unknown !== undefined || typeof statement.text !== 'string') {
    throw new TypeError(
      `a statement is a string, or an object with "text" and "values"${unknown === undefined ? '' : `; "${unknown}" is not known here`}`,
    );
  }
  return { text: statement.text, params: values ?? statement.values };
}
