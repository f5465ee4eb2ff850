/** What a look at the {@link Strain} found. */
export type StrainVerdict = 'too_few' | 'sound' | 'burst';

/** Ends that are judged together, or as many as came in the time after it. */
const ENOUGH = 20;
const AFTER_MS = 2_000;
const AT_LEAST = 5;

/** A burst is more than this share, twice what is usual, and more than one. */
const BURST = 0.1;
const TIMES_USUAL = 2;

/**
 * Timeouts and cancels among the requests that end. Work that fails fast looks healthy to anything that measures only
 * durations (Netflix concurrency-limits #137), so it is counted apart. What fails in calm times too fails for reasons of
 * its own, and is no burst.
 */
export class Strain {
  #ended = 0;
  #strained = 0;
  #sinceMs: number;
  #usual = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** A request ended. */
  end(strained: boolean): void {
    this.#ended++;
    if (strained) this.#strained++;
  }

  /** Something was stopped or refused by the server within a request that has not ended. */
  note(): void {
    this.#strained++;
  }

  /** Judges what ended since the last verdict. `calm`: too little is in flight for the concurrency to be the cause. */
  judge(nowMs: number, calm: boolean): StrainVerdict {
    const late = nowMs - this.#sinceMs >= AFTER_MS;
    if (this.#ended < ENOUGH && !(late && this.#ended >= AT_LEAST)) {
      if (late) this.restart(nowMs);
      return 'too_few';
    }
    const share = this.#strained / this.#ended;
    const burst = this.#strained > 1 && share > Math.max(BURST, TIMES_USUAL * this.#usual);
    if (calm) this.#usual += (share - this.#usual) / 8;
    this.restart(nowMs);
    return burst && !calm ? 'burst' : 'sound';
  }

  /** Forgets what ended since the last verdict. */
  restart(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#ended = 0;
    this.#strained = 0;
  }
}
