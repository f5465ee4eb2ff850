import type { Archive } from './archive.js';
import type { BucketLimit } from './prepaid-options.js';
import type { TokenReply } from './token-report.js';

/** One more process is taken to do as this one does for each such time that the burst lasts. */
const ALIKE_MS = 200;
/** Most processes that are taken to owe as much as this one: with more, one alone could not spend what refills. */
const MOST_ALIKE = 4;

/** What a ledger of tokens said last of what it has, and what that has become since if nobody took any of it. */
export class LedgerLevel {
  readonly #limit: BucketLimit;
  #level: number;
  #atMs = 0;
  #others = 0;

  /** Full. */
  constructor(limit: BucketLimit) {
    this.#limit = limit;
    this.#level = limit.burst;
  }

  /**
   * Tokens that nobody has prepaid; below 0 where more was spent than there was.
   *
   * @param sharers - So many processes take what has refilled since. Default 1.
   */
  at(nowMs: number, sharers: number = 1): number {
    const refilled = ((nowMs - this.#atMs) * this.#limit.refillPerSecond) / 1_000;
    return Math.min(this.#limit.burst, this.#level + refilled / sharers);
  }

  /**
   * Tokens of all processes and the ledger together, as of the last news. Until the next, others are taken to do as this
   * one does: they have their part of what refills, and owe as much.
   */
  everywhere(nowMs: number, sharers: number, { held, owed }: { held: number; owed: number }): number {
    const alike = Math.max(1, Math.min(MOST_ALIKE, sharers, this.lastsMs / ALIKE_MS));
    return Math.min(this.#limit.burst, this.at(nowMs, alike) + this.#others + held - alike * owed);
  }

  /** For so long the burst lasts at the rate, in ms. */
  get lastsMs(): number {
    return (this.#limit.burst * 1_000) / this.#limit.refillPerSecond;
  }

  /** How long so many tokens take to come, in ms. */
  refillMs(tokens: number): number {
    return tokens <= 0 ? 0 : (tokens * 1_000) / this.#limit.refillPerSecond;
  }

  /** The ledger has told. */
  hear(nowMs: number, { level, others }: Pick<TokenReply, 'level' | 'others'>): void {
    this.#level = level;
    this.#others = others;
    this.#atMs = nowMs;
  }

  /** Tokens are on their way to the ledger. */
  give(nowMs: number, tokens: number): void {
    this.#level = this.at(nowMs) + tokens;
    this.#atMs = nowMs;
  }

  archive(io: Archive): void {
    this.#level = io.number(this.#level);
    this.#atMs = io.number(this.#atMs);
    this.#others = io.number(this.#others);
  }
}
