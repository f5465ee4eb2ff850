const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * How many sessions the server, the role or this host gives a pool at present, learnt from refusals (53300, no free
 * descriptor). A refusal lowers the pool to what it has; from then on it asks for one more now and then, and not for
 * each borrower: after about half a second at first, then twice as long each time up to 15 s, each wait shortened by
 * up to a half at random so that instances do not knock in step.
 */
export class Grant {
  #max: number;
  readonly #random: () => number;
  #granted: number;
  #refusals = 0;
  #growAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param max - What the pool may have at most.
   * @param random - Uniform in [0, 1).
   */
  constructor(max: number, random: () => number) {
    this.#max = max;
    this.#granted = max;
    this.#random = random;
  }

  /** Sessions that can be had, 1 to `max`; 0 where that is 0. */
  get granted(): number {
    return this.#granted;
  }

  /** When one more than granted may be asked for. */
  get growAtMs(): number {
    return this.#growAtMs;
  }

  /** The pool may have another number at most from now on. What a server did not give it has not given since. */
  resize(max: number): void {
    const whole = this.#granted === this.#max;
    this.#max = max;
    this.#granted = whole ? max : Math.min(max, Math.max(this.#granted, Math.min(1, max)));
  }

  /** How many may be opened now beside `open`. */
  room(nowMs: number, open: number): number {
    const beyond = this.#granted < this.#max && nowMs >= this.#growAtMs ? 1 : 0;
    return Math.max(0, this.#granted + beyond - open);
  }

  /** One more than `open` was refused. */
  refused(nowMs: number, open: number): void {
    this.#granted = Math.min(this.#max, Math.max(1, Math.min(this.#granted, open)));
    // Attempts made side by side are refused together; that is one answer.
    if (nowMs < this.#growAtMs) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#refusals, 10));
    this.#refusals += 1;
    this.#growAtMs = nowMs + waitMs * (1 - this.#random() / 2);
  }

  /** `open` sessions are open. More than thought possible means that the next may be asked for at once. */
  opened(open: number): void {
    if (open <= this.#granted) return;
    // Of a pool that was made smaller there may be more for a while.
    this.#granted = Math.min(open, this.#max);
    this.#refusals = 0;
    this.#growAtMs = Number.NEGATIVE_INFINITY;
  }
}
