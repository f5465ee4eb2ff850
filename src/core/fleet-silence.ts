/** A connection on which nothing was heard for so long may be dead without anybody having said so, in ms. */
const SHORTEST_MS = 2_000;
/** A server that hangs accepts connections all the same: so often at least one is tried, in ms. */
const LONGEST_MS = 30_000;

/**
 * When to try a new connection: a network that has lost an established one, as a restarted NAT does, swallows what is
 * sent, and the system finds that out in minutes only. Each attempt that hears nothing doubles the wait for the next.
 */
export class Silence {
  #heardAtMs: number;
  #patienceMs = SHORTEST_MS;

  constructor(nowMs: number) {
    this.#heardAtMs = nowMs;
  }

  /** Something was answered, whatever it was: the connection lives. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#patienceMs = SHORTEST_MS;
  }

  /** The silence begins here: all was well until now, or there is another connection. */
  begins(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** Something was not answered. True where it is time for another connection. */
  tooLong(nowMs: number): boolean {
    if (nowMs - this.#heardAtMs < this.#patienceMs) return false;
    this.#heardAtMs = nowMs;
    this.#patienceMs = Math.min(LONGEST_MS, 2 * this.#patienceMs);
    return true;
  }
}
