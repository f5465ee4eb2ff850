import type { Clock, Timer } from '../clock.js';
import { Stalls } from '../core/stalls.js';

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
  readonly #mostPerTurnMs: number;
  #timer: Timer | undefined;
  #expectedAtMs: number;
  #averageMs = 0;
  #onTick: ((nowMs: number) => void) | undefined;
  /** How long the loop stood still before the input that is handled now. */
  #stallMs = 0;
  readonly #stalls = new Stalls();

  /** @param mostPerTurnMs - A turn that is later counts as so late in the average, in milliseconds. */
  constructor(clock: Clock, mostPerTurnMs: number = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#mostPerTurnMs = mostPerTurnMs;
    this.#expectedAtMs = clock.nowMs() + TICK_MS;
    this.#arm();
  }

  /** By how much the present turn is overdue, in milliseconds. A lower bound of what a request waited unseen. */
  overdueMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#expectedAtMs);
  }

  /**
   * How long a request that is looked at now has waited unseen, as far as can be told: all of what its own turn is
   * overdue, or half of a stall that ended just before it, for it came at some instant of that stall.
   */
  unseenMs(nowMs: number): number {
    return Math.max(this.overdueMs(nowMs), this.#stallMs / 2);
  }

  /** The smoothed lateness of recent turns, in milliseconds. */
  averageMs(nowMs: number): number {
    return Math.max(this.#averageMs, this.#averageWith(this.overdueMs(nowMs)));
  }

  /** Of the time from one instant to another, how long the loop stood still, in milliseconds. */
  stalledMs(fromMs: number, toMs: number): number {
    return this.#stalls.within(fromMs, toMs);
  }

  /** Hears of each turn of the own timer, once it is counted. One listener. */
  onTick(listener: (nowMs: number) => void): void {
    this.#onTick = listener;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #averageWith(lateMs: number): number {
    return this.#averageMs + (Math.min(lateMs, this.#mostPerTurnMs) - this.#averageMs) * SMOOTHING;
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.nowMs();
      const lateMs = this.overdueMs(nowMs);
      this.#averageMs = this.#averageWith(lateMs);
      if (lateMs > TICK_MS) this.#remember(nowMs, lateMs);
      this.#expectedAtMs = nowMs + TICK_MS;
      this.#onTick?.(nowMs);
      this.#arm();
    });
  }

  /**
   * Timers come before input, so the stall is over for the timer when what arrived during it is first seen: in this turn
   * of the loop, or in the next where a connection has to be accepted first.
   */
  #remember(nowMs: number, stallMs: number): void {
    this.#stalls.note(nowMs, stallMs);
    this.#stallMs = stallMs;
    this.#clock.afterInput(() =>
      this.#clock.afterInput(() => {
        if (this.#stallMs === stallMs) this.#stallMs = 0;
      }),
    );
  }
}
