import type { Clock, Timer } from '../clock.js';

const TICK_MS = 20;
/** Weight of one tick in the average. */
const SMOOTHING = 0.2;

/**
 * How late the event loop runs, seen through a timer of its own. Two readings: how long the present turn of the loop is
 * overdue, which is time that a request spent unseen before anybody looked at it, and a smoothed one that tells whether
 * the process as a whole keeps up.
 */
export class LoopLag {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #expectedAtMs: number;
  #averageMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#expectedAtMs = clock.nowMs() + TICK_MS;
    this.#arm();
  }

  /** By how much the present turn is overdue, in milliseconds. A lower bound of what a request waited unseen. */
  overdueMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#expectedAtMs);
  }

  /** The smoothed lateness of recent turns, in milliseconds. */
  averageMs(nowMs: number): number {
    return Math.max(this.#averageMs, this.overdueMs(nowMs) * SMOOTHING);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.nowMs();
      this.#averageMs += (this.overdueMs(nowMs) - this.#averageMs) * SMOOTHING;
      this.#expectedAtMs = nowMs + TICK_MS;
      this.#arm();
    });
  }
}
