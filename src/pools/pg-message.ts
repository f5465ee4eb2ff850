import pg from 'pg';
import type { QueryResult } from './contract.js';
import { boundMessage, plainMessage } from './pg-frames.js';

/** What the driver calls with its answer. */
export type Told = (error: Error | null | undefined, result: QueryResult<never> | undefined) => void;

/** How the driver reads an answer; its types declare little of it. */
interface DriverResult extends QueryResult<never> {
  addFields(fields: unknown): void;
  parseRow(fields: unknown): never;
  addCommandComplete(message: unknown): void;
}

interface DriverConnection {
  readonly stream: { readonly writable: boolean; write(message: Buffer): void };
  sync(): void;
  sendCopyFail(reason: string): void;
}

const Result = pg.Result as unknown as new () => DriverResult;

/**
 * One message as the driver takes it from outside, in the place of its own queries: those are event emitters, keep what
 * every statement of a text has answered, and write a statement with parameters in five pieces. What they make of rows
 * is the driver's here, too.
 */
export class PgMessage implements pg.Submittable {
  /** The driver puts its own in front of it where the url asks for a `query_timeout`. */
  callback: Told;
  readonly #text: string;
  readonly #values: readonly unknown[] | undefined;
  readonly #before: readonly string[];
  /** Of what comes before, how much has not been answered yet. */
  #unanswered: number;
  #result: DriverResult | undefined;
  #completed = false;
  #unreadable: Error | undefined;

  /** @param before - Statements without parameters that run first, and answer nothing; only with `values`. */
  constructor(text: string, values: readonly unknown[] | undefined, before: readonly string[], callback: Told) {
    this.#text = text;
    this.#values = values;
    this.#before = before;
    this.#unanswered = before.length;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection as unknown as DriverConnection;
    try {
      const message = this.#write();
      if (stream.writable) stream.write(message);
    } catch (error) {
      this.callback(error as Error, undefined);
      // For the word that the server is ready, which ends every message. A transaction is opened all the same: that this
      // statement could not be written is no fault of it.
      if (this.#before.length > 0) stream.write(plainMessage(this.#before.join('; ')));
      else (connection as unknown as DriverConnection).sync();
    }
  }

  #write(): Buffer {
    // An empty text cannot be described.
    const bound = this.#values !== undefined && this.#values.length > 0 && this.#text !== '';
    return bound ? boundMessage(this.#text, this.#values, this.#before) : plainMessage(this.#text);
  }

  handleRowDescription({ fields }: { readonly fields: unknown }): void {
    this.#answering().addFields(fields);
  }

  handleDataRow({ fields }: { readonly fields: unknown }): void {
    if (this.#unanswered > 0 || this.#unreadable !== undefined) return;
    const result = this.#answering();
    try {
      result.rows.push(result.parseRow(fields));
    } catch (error) {
      this.#unreadable = error as Error;
    }
  }

  handleCommandComplete(message: unknown): void {
    if (this.#unanswered > 0) {
      this.#unanswered -= 1;
      return;
    }
    this.#answering().addCommandComplete(message);
    this.#completed = true;
  }

  handleReadyForQuery(): void {
    if (this.#unreadable === undefined) this.callback(null, answerOf(this.#result));
    else this.callback(this.#unreadable, undefined);
  }

  handleError(error: Error): void {
    this.callback(error, undefined);
  }

  handleCopyInResponse(connection: DriverConnection): void {
    connection.sendCopyFail('this client sends no data for COPY');
  }

  handleCopyData(): void {}

  handleEmptyQuery(): void {}

  /** A text with several statements has several answers; the last one counts. */
  #answering(): DriverResult {
    if (this.#result === undefined || this.#completed) {
      this.#result = new Result();
      this.#completed = false;
    }
    return this.#result;
  }
}

/** Without what the driver keeps beside it to read rows; an empty text is answered with nothing. */
function answerOf(result: DriverResult | undefined): QueryResult<never> {
  if (result === undefined) return { rows: [], rowCount: null, command: '' };
  const { rows, rowCount, command } = result;
  return { rows, rowCount, command };
}
