/** Longer than any wait, and the longest that a timer takes. */
const TICK_MS = 0x7fffffff;

/**
 * Keeps the process alive while somebody awaits work of the gateway: a promise holds nothing, and of what such work
 * waits for, often nothing does either (a database that is down, a bucket that refills). A script would end in the
 * middle, without an error. Requests are held by their sockets, and need none of this.
 */
export class ProcessHold {
  #works = 0;
  #tick: NodeJS.Timeout | undefined;

  /** Runs `work`, and holds the process until what it returned has settled. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#works += 1;
    if (this.#tick === undefined) this.#tick = setInterval(() => {}, TICK_MS);
    else if (this.#works === 1) this.#tick.ref();
    try {
      return await work();
    } finally {
      this.#works -= 1;
      // Kept for the next work: to arm a timer costs more than to ask it back.
      if (this.#works === 0) this.#tick.unref();
    }
  }
}
