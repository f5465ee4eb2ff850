import type pg from 'pg';
import type { QueryResult } from './contract.js';
import { type LocalLimits, localLimitsCall, localLimitsText } from './local-limits.js';
import { isFatal } from './pg-errors.js';
import { PgMessage, type Told } from './pg-message.js';

/** What became of one message: an error, or a result. */
export type Answer = (error: unknown, result: QueryResult<never> | undefined) => void;

/** One message to the server whose answer is not complete. */
interface Exchange {
  answer: Answer;
  error: unknown;
}

/** The transaction status that the server tells with every answer: idle, in a transaction, in a failed one. */
export type TransactionStatus = 'I' | 'T' | 'E';

/**
 * Sends one message at a time, so that the driver's own queue stays empty, and completes it only when the server is
 * ready for the next. The driver reports an error some packets before that, with a status that is still the old one.
 */
export class PgWire {
  readonly #client: pg.Client;
  readonly #onFatal: (error: unknown) => void;
  #status: TransactionStatus = 'I';
  #exchange: Exchange | undefined;
  #received = 0;

  /** @param onFatal - The server said that it ends the session. */
  constructor(client: pg.Client, onFatal: (error: unknown) => void) {
    this.#client = client;
    this.#onFatal = onFatal;
  }

  get status(): TransactionStatus {
    return this.#status;
  }

  get sending(): boolean {
    return this.#exchange !== undefined;
  }

  /** What the server said last about the message under way, should the session end now. */
  get lastError(): unknown {
    return this.#exchange?.error;
  }

  send(text: string, values: readonly unknown[] | undefined, answer: Answer): void {
    this.#client.query(new PgMessage(text, values, undefined, this.#begin(answer)));
  }

  /** Sends limits and the statement that they are for as one message, which is one transaction. */
  sendLimited(limits: LocalLimits, text: string, values: readonly unknown[] | undefined, answer: Answer): void {
    const call = values === undefined || values.length === 0 ? undefined : localLimitsCall(limits);
    if (values !== undefined && call !== undefined) {
      this.#client.query(new PgMessage(text, values, call, this.#begin(answer)));
      return;
    }
    const before = localLimitsText(limits);
    this.send(before + text, values, (error, result) => answer(pointedInto(error, before.length), result));
  }

  /** So many bytes have come. Returns how many that are since the last message was sent. */
  receive(bytes: number): number {
    this.#received += bytes;
    return this.#received;
  }

  /** Calls `run` once the message under way is complete, after its own answer. */
  whenComplete(run: () => void): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      run();
      return;
    }
    const { answer } = exchange;
    exchange.answer = (error, result) => {
      answer(error, result);
      run();
    };
  }

  /** The session has ended: completes the message under way with what the server said of it, or with `error`. */
  fail(error: unknown): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.error ??= error;
    this.#complete(exchange, undefined);
  }

  /** The server is ready. To be called before the driver hands out a result, so that its receiver finds the truth. */
  onStatus(status: string): void {
    this.#status = status === 'T' || status === 'E' ? status : 'I';
  }

  /** The server is ready. To be called after the driver has handed out a result. */
  onReady(): void {
    const exchange = this.#exchange;
    if (exchange?.error !== undefined) this.#complete(exchange, undefined);
  }

  /** @returns What the driver is to call with its answer. */
  #begin(answer: Answer): Told {
    const exchange: Exchange = { answer, error: undefined };
    this.#exchange = exchange;
    this.#received = 0;
    return (error, result) => {
      if (this.#exchange !== exchange) return;
      if (error === null || error === undefined) {
        this.#complete(exchange, result);
        return;
      }
      exchange.error ??= error;
      if (isFatal(error)) this.#onFatal(error);
    };
  }

  #complete(exchange: Exchange, result: QueryResult<never> | undefined): void {
    this.#exchange = undefined;
    exchange.answer(exchange.error, exchange.error === undefined ? result : undefined);
  }
}

/** An error tells where in the text it is: in its sender's text, not in what was put before it. */
function pointedInto(error: unknown, skipped: number): unknown {
  const { position } = (error ?? {}) as { position?: unknown };
  if (Number(position) > skipped) Object.assign(error as object, { position: String(Number(position) - skipped) });
  return error;
}
