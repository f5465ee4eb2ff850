import type { SessionLimitValue } from './session-limit.js';

/**
 * How many in a row have wanted the same limit. A session had better stand under what many want: routes with several
 * deadlines that share a session would else change it every time.
 */
export class LimitRun {
  #last: SessionLimitValue | undefined;
  #length = 0;

  /** One more wants `limit`. Returns how many that makes in a row. */
  next(limit: SessionLimitValue): number {
    this.#length = limit === this.#last ? this.#length + 1 : 1;
    this.#last = limit;
    return this.#length;
  }
}
