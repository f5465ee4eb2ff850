import type pg from 'pg';
import { type LocalLimits, localLimitsCall, localLimitsText } from './local-limits.js';
import { MessageWire } from './message-wire.js';
import { isFatal } from './pg-errors.js';
import { PgMessage, type Told } from './pg-message.js';
import type { Answer } from './statement-wire.js';

/** Nothing comes before the statement. */
const ALONE: readonly string[] = [];

/**
 * The messages of a PostgreSQL session. One is complete only when the server is ready for the next: the driver reports
 * an error some packets before that, with a status that is still the old one.
 */
export class PgWire extends MessageWire {
  readonly #client: pg.Client;
  readonly #onFatal: (error: unknown) => void;
  /** Of the message sent last. */
  #error: unknown;
  #readyAtMs = Number.NEGATIVE_INFINITY;

  /** @param onFatal - The server said that it ends the session. */
  constructor(client: pg.Client, onFatal: (error: unknown) => void) {
    super();
    this.#client = client;
    this.#onFatal = onFatal;
  }

  override get lastError(): unknown {
    return this.sending ? this.#error : undefined;
  }

  /** When the server was last ready for the next message; `-Infinity` before that is known. */
  get readyAtMs(): number {
    return this.#readyAtMs;
  }

  send(text: string, values: readonly unknown[] | undefined, answer: Answer): void {
    if (!this.isOver(answer)) this.#client.query(new PgMessage(text, values, ALONE, this.#begin(answer)));
  }

  sendOpening(opening: readonly string[], text: string, values: readonly unknown[] | undefined, answer: Answer): void {
    if (!this.isOver(answer)) this.#client.query(new PgMessage(text, values, opening, this.#begin(answer)));
  }

  /** Sends limits and the statement that they are for as one message, which is one transaction. */
  sendLimited(limits: LocalLimits, text: string, values: readonly unknown[] | undefined, answer: Answer): void {
    if (this.isOver(answer)) return;
    const call = values === undefined || values.length === 0 ? undefined : localLimitsCall(limits);
    if (values !== undefined && call !== undefined) {
      this.#client.query(new PgMessage(text, values, [call], this.#begin(answer)));
      return;
    }
    const before = localLimitsText(limits);
    this.send(before + text, values, (error, result) => answer(pointedInto(error, before.length), result));
  }

  /** The server is ready. To be called before the driver hands out a result, so that its receiver finds the truth. */
  onStatus(nowMs: number, status: string): void {
    this.#readyAtMs = nowMs;
    this.note(status === 'T' || status === 'E' ? status : 'I');
  }

  /** The server is ready. To be called after the driver has handed out a result. */
  onReady(): void {
    const { lastError } = this;
    if (lastError !== undefined) this.complete(lastError, undefined);
  }

  /** @returns What the driver is to call with its answer. */
  #begin(answer: Answer): Told {
    const message = this.begin(answer);
    this.#error = undefined;
    return (error, result) => {
      if (!this.isUnderWay(message)) return;
      if (error === null || error === undefined) {
        this.complete(this.#error, this.#error === undefined ? result : undefined);
        return;
      }
      this.#error ??= error;
      if (isFatal(error)) this.#onFatal(error);
    };
  }
}

/** An error tells where in the text it is: in its sender's text, not in what was put before it. */
function pointedInto(error: unknown, skipped: number): unknown {
  const { position } = (error ?? {}) as { position?: unknown };
  if (Number(position) > skipped) Object.assign(error as object, { position: String(Number(position) - skipped) });
  return error;
}
