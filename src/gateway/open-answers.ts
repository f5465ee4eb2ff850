import type { Clock } from '../clock.js';
import { type ReadableAnswer, UnreadAnswers } from './unread-answers.js';

/** An answer that may still be on its way to its reader. */
export interface OpenAnswer extends ReadableAnswer {
  /** Whether somebody can still get more of it. */
  readonly onItsWay: boolean;
  /** Makes it the last on its connection, and lets it say so, unless it has begun. */
  endConnection(): void;
  /** Stops the handler that still works on it, and answers in its place. */
  endWork(nowMs: number): void;
}

/** Answers that are held before the dead ones among them are looked for. */
const LEAST_SWEEP = 1_024;
/** Answers that are told of the end in one turn of the event loop. */
const SLICE = 512;

/**
 * The answers that are not wholly with their readers yet. They hold no seat, but a drain waits for them: Node takes a
 * connection for idle as soon as its answer has ended, and `server.close()` would cut it off.
 *
 * An answer that waited behind another when its connection died never hears of its end. Such entries are swept out
 * whenever the set has doubled, so that it stays within a constant of the answers that live, at O(1) each.
 */
export class OpenAnswers {
  readonly #answers = new Set<OpenAnswer>();
  #sweepAt = LEAST_SWEEP;
  #ending = false;
  #unread: UnreadAnswers | undefined;
  #cutOff = 0;

  /** Connections that were ended because nothing of an answer was read. */
  get cutOff(): number {
    return this.#cutOff;
  }

  /** From now on ends connections of which nothing is read for so long, in milliseconds; 0 for never. */
  endUnread(clock: Clock, timeoutMs: number, warn: (code: string, message: string) => void): void {
    if (timeoutMs === 0) return;
    this.#unread = new UnreadAnswers(clock, timeoutMs, this.#answers, () => {
      this.#cutOff += 1;
      if (this.#cutOff === 1) warn('answer_not_read', cutOffText(timeoutMs));
    });
  }

  /** Answers that are held, dead ones included. */
  get size(): number {
    return this.#answers.size;
  }

  /**
   * From now on every answer is the last on its connection: a server that ends must not cut off the next request. A
   * crowd of them is told in slices, between which input is handled.
   */
  endConnections(clock: Clock): void {
    this.#ending = true;
    this.#visit(clock, (answer) => answer.endConnection());
  }

  /** Nothing is waited for any longer: handlers that are still at work are stopped, and answered for. In slices, too. */
  endWork(clock: Clock): void {
    this.#visit(clock, (answer) => answer.onItsWay && answer.endWork(clock.nowMs()));
  }

  add(answer: OpenAnswer): void {
    if (this.#ending) answer.endConnection();
    this.#answers.add(answer);
    this.#unread?.watch();
    if (this.#answers.size >= this.#sweepAt) this.#sweep();
  }

  remove(answer: OpenAnswer): void {
    this.#answers.delete(answer);
  }

  /** Whether nobody waits for the rest of an answer. */
  get none(): boolean {
    for (const answer of this.#answers) if (answer.onItsWay) return false;
    return true;
  }

  /** All that are there now. */
  #visit(clock: Clock, tell: (answer: OpenAnswer) => void): void {
    const answers = this.#answers.values();
    const some = (left: number): void => {
      for (let told = 0; told < Math.min(SLICE, left); told += 1) {
        const { value, done } = answers.next();
        if (done === true) return;
        tell(value);
      }
      if (left > SLICE) clock.afterInput(() => some(left - SLICE));
    };
    some(this.#answers.size);
  }

  #sweep(): void {
    for (const answer of this.#answers) if (!answer.onItsWay) this.#answers.delete(answer);
    this.#sweepAt = Math.max(LEAST_SWEEP, 2 * this.#answers.size);
  }
}

function cutOffText(timeoutMs: number): string {
  return (
    `a client has read nothing of its answer for ${timeoutMs} ms, and its connection was ended; ` +
    'further ones are only counted (writeTimeoutMs sets the bound)'
  );
}
