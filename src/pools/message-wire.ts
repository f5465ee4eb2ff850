import type { QueryResult } from './contract.js';
import type { Answer, StatementWire, TransactionStatus } from './statement-wire.js';

/**
 * Sends one message at a time, so that the driver's own queue stays empty, and knows what is under way. What a message
 * is, and when its answer is complete, is the engine's business.
 */
export abstract class MessageWire implements StatementWire {
  #status: TransactionStatus = 'I';
  #answer: Answer | undefined;
  #failure: unknown;
  #sent = 0;
  #received = 0;

  get status(): TransactionStatus {
    return this.#status;
  }

  get sending(): boolean {
    return this.#answer !== undefined;
  }

  /** Messages since the start. */
  get sent(): number {
    return this.#sent;
  }

  /** What the server said last about the message under way, should the session end now. */
  get lastError(): unknown {
    return undefined;
  }

  abstract send(text: string, values: readonly unknown[] | undefined, answer: Answer, before?: string): void;

  /** So many bytes have come. Returns how many that are since the last message was sent. */
  receive(bytes: number): number {
    this.#received += bytes;
    return this.#received;
  }

  /** Calls `run` once the message under way is complete, after its own answer. */
  whenComplete(run: () => void): void {
    const answer = this.#answer;
    if (answer === undefined) {
      run();
      return;
    }
    this.#answer = (error, result) => {
      answer(error, result);
      run();
    };
  }

  fail(error: unknown): void {
    this.#failure ??= error;
    if (this.sending) this.complete(this.lastError ?? error, undefined);
  }

  /** What the driver says of a message after the end is no answer to it: that would be waited for without end. */
  protected isOver(answer: Answer): boolean {
    if (this.#failure !== undefined) answer(this.#failure, undefined);
    return this.#failure !== undefined;
  }

  /** A message is about to be sent. Returns its number, by which a late answer is told from the next one's. */
  protected begin(answer: Answer): number {
    this.#answer = answer;
    this.#received = 0;
    this.#sent += 1;
    return this.#sent;
  }

  /** Whether this message is the one that waits for its answer. */
  protected isUnderWay(message: number): boolean {
    return message === this.#sent && this.#answer !== undefined;
  }

  /** The message under way is answered, and the next may be sent. */
  protected complete(error: unknown, result: QueryResult<never> | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(error, result);
  }

  protected note(status: TransactionStatus): void {
    this.#status = status;
  }
}
