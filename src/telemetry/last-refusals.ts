import type { Refusal } from '../errors.js';

/** One refusal, or one error answer after admission, as an operator is told of it. */
export interface RefusalRecord extends Refusal {
  /** When it was given: monotonic milliseconds. */
  readonly atMs: number;
}

/**
 * The last refusals of one route with what was measured. Each route has its own, so that one that sheds by the thousand
 * does not hide the single refusal of another. Nothing in it tells callers apart.
 */
export class LastRefusals {
  readonly #kept: RefusalRecord[] = [];
  readonly #capacity: number;
  #next = 0;

  /** @param capacity - How many are kept, at least 1. Default 20. */
  constructor(capacity: number = 20) {
    this.#capacity = capacity;
  }

  /** Keeps a copy: an error would hold on to its cause, and to whatever hangs on that. */
  add(nowMs: number, { code, status, outcome, detail, retryAfterMs, measured }: Refusal): void {
    this.#kept[this.#next] = {
      atMs: nowMs,
      code,
      status,
      outcome,
      detail,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(measured === undefined ? {} : { measured }),
    };
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Newest first. */
  list(): RefusalRecord[] {
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)].reverse();
  }
}
