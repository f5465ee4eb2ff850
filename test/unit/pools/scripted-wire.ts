import type { QueryResult } from '../../../src/pools/contract.js';
import { MessageWire } from '../../../src/pools/message-wire.js';
import type { Answer } from '../../../src/pools/statement-wire.js';

const DONE = { rows: [], rowCount: 0, command: 'SELECT' } as QueryResult<never>;

/** A wire whose server's side is played by the test, message by message. */
export class ScriptedWire extends MessageWire {
  readonly texts: string[] = [];
  /** Answers each message that was sent, however late. */
  readonly answers: ((error?: Error) => void)[] = [];

  /** What the server has said of the message under way, if the session ends now. */
  failure: Error | undefined;

  override get lastError(): unknown {
    return this.failure;
  }

  send(text: string, _values: readonly unknown[] | undefined, answer: Answer, before = ''): void {
    if (this.isOver(answer)) return;
    const message = this.begin(answer);
    this.texts.push(before + text);
    this.answers.push((error) => {
      if (this.isUnderWay(message)) this.complete(error, error === undefined ? DONE : undefined);
    });
  }

  /** Answers the message that was sent last. */
  answer(error?: Error): void {
    this.answers.at(-1)?.(error);
  }
}
