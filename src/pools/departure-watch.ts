import type { Clock, Timer } from '../clock.js';
import { timeLimit } from './time-limit.js';

/** Where nobody has knocked for so long, somebody does: up to a quarter sooner, so that instances do not in step. */
const KNOCK_MS = 15_000;
const JITTER = 0.25;

/**
 * Finds out that a server wants to end. PostgreSQL in a smart shutdown waits for its sessions and tells them nothing:
 * only who connects hears of it. A pool that needs no new session would keep such a server from ending for as long as its
 * sessions live, so now and then it opens one in place of another.
 */
export class DepartureWatch {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #knock: () => void;
  #heardMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #stopped = false;

  /** @param knock - Opens a session, if there is room and the server can be reached. */
  constructor(clock: Clock, random: () => number, knock: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#knock = knock;
  }

  /** An attempt to connect was answered. */
  heard(): void {
    this.#heardMs = this.#clock.nowMs();
    if (this.#timer === undefined) this.#arm(KNOCK_MS * (1 - JITTER * this.#random()));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = timeLimit(this.#clock, delayMs, () => {
      this.#timer = undefined;
      const everyMs = KNOCK_MS * (1 - JITTER * this.#random());
      const dueMs = this.#heardMs + everyMs - this.#clock.nowMs();
      if (dueMs <= 0) this.#knock();
      this.#arm(dueMs > 0 ? dueMs : everyMs);
    });
  }
}
