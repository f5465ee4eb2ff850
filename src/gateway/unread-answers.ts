import type { Clock } from '../clock.js';

/** An answer whose client may have stopped reading. */
export interface ReadableAnswer {
  /** Bytes of its connection that the system has taken so far, where more are waiting; `undefined` where none are. */
  readonly takenBytes: number | undefined;
  /** Whether a connection of the database is kept from others until it is read. */
  readonly keepsConnection: boolean;
  /** Ends the connection, and with it what is still to be read. */
  cutOff(): void;
}

/** Answers that are looked at before input gets its turn. */
const SLICE = 512;
/**
 * Bytes a second that are to be read of an answer behind which a connection waits, on average over the timeout: about
 * what the slowest lines carry that somebody loads an export over.
 */
const LEAST_PER_SECOND = 8_192;
/** Looks at each answer within one write timeout. */
const LOOKS = 4;

interface Mark {
  readonly takenBytes: number;
  readonly sinceMs: number;
}

/**
 * Ends connections whose clients read nothing of their answers any more: such an answer stays in memory until TCP gives
 * up, and a streaming handler behind it keeps its connection and its seat. Where it does, a little is not enough: who
 * reads a few bytes now and then keeps it just as well. One timer looks at all that are open, a few times within the
 * timeout, so that the end comes up to a quarter late; it is armed only while something is open.
 */
export class UnreadAnswers {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #answers: ReadonlySet<ReadableAnswer>;
  readonly #onCutOff: () => void;
  /** Only those for which something is waiting. */
  #marks = new Map<ReadableAnswer, Mark>();
  #looking = false;

  /**
   * @param timeoutMs - How long the system may take nothing, above 0.
   * @param answers - All that are open; it changes while it is looked at.
   */
  constructor(clock: Clock, timeoutMs: number, answers: ReadonlySet<ReadableAnswer>, onCutOff: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#answers = answers;
    this.#onCutOff = onCutOff;
  }

  /** An answer is open: sees to it that somebody looks. */
  watch(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#clock.after(this.#timeoutMs / LOOKS, () => this.#look());
  }

  #look(): void {
    const before = this.#marks;
    this.#marks = new Map();
    // Those that come meanwhile are left for the next look, or under load this one would never end.
    this.#slice(this.#answers.values(), this.#answers.size, before);
  }

  #slice(answers: Iterator<ReadableAnswer>, left: number, before: ReadonlyMap<ReadableAnswer, Mark>): void {
    const nowMs = this.#clock.nowMs();
    for (let looked = 0; looked < Math.min(SLICE, left); looked += 1) {
      const { value, done } = answers.next();
      if (done === true) return this.#looked();
      this.#judge(nowMs, value, before.get(value));
    }
    if (left <= SLICE) this.#looked();
    else this.#clock.afterInput(() => this.#slice(answers, left - SLICE, before));
  }

  #looked(): void {
    this.#looking = false;
    if (this.#answers.size > 0) this.watch();
  }

  #judge(nowMs: number, answer: ReadableAnswer, before: Mark | undefined): void {
    const { takenBytes } = answer;
    if (takenBytes === undefined) return;
    const leastBytes = answer.keepsConnection ? (LEAST_PER_SECOND * this.#timeoutMs) / 1_000 : 1;
    const reads = before === undefined || takenBytes - before.takenBytes >= leastBytes;
    const mark = reads ? { takenBytes, sinceMs: nowMs } : before;
    if (nowMs - mark.sinceMs < this.#timeoutMs) {
      this.#marks.set(answer, mark);
      return;
    }
    answer.cutOff();
    this.#onCutOff();
  }
}
