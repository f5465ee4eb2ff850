/** Longest wait before another attempt to connect: longer, and every restart costs the rest of it. */
const LOST_MS = 250;
/** The same where a server is there and refuses: it will go on for a while, and each connection costs it something. */
const REFUSED_MS = 900;
/** Refusals that lie further apart have nothing to do with each other. */
const APART_MS = 5_000;
const FIRST_MS = 50;

/** How soon a connection that ended is tried again: later and later, with jitter, and within a second at most. */
export class Reconnects {
  readonly #random: () => number;
  readonly #nowMs: () => number;
  #refused = false;
  #row = 0;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  /** @param random - Uniform in [0, 1). */
  constructor(random: () => number, nowMs: () => number) {
    this.#random = random;
    this.#nowMs = nowMs;
  }

  /** The server of the present connection serves nobody here: it is a replica, or does not know the login. */
  refused(): void {
    this.#refused = true;
  }

  /**
   * The present connection has ended, or did not come about.
   *
   * @param attempt - Counts from 1 those since it was ready last.
   * @returns How long to wait, in ms.
   */
  waitMs(attempt: number): number {
    const most = this.#refused ? REFUSED_MS : LOST_MS;
    const failed = this.#refused ? this.#nextRefusal() : attempt;
    this.#refused = false;
    return Math.min(most, FIRST_MS * failed) * (0.5 + this.#random() / 2);
  }

  #nextRefusal(): number {
    const nowMs = this.#nowMs();
    this.#row = nowMs - this.#refusedAtMs > APART_MS ? 1 : Math.min(2 * this.#row, REFUSED_MS);
    this.#refusedAtMs = nowMs;
    return this.#row;
  }
}
