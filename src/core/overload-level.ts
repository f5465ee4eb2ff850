import type { PriorityRank } from './priority.js';

/** How much more lag than the bound each class stands; the top class is never shed for it. */
const LAG_FACTOR: readonly [number, number, number, number] = [Number.POSITIVE_INFINITY, 2, 1.5, 1];
/** By level: the class that begins to be shed with it. Level 0 sheds nobody. */
const CLASS_OF_LEVEL: readonly PriorityRank[] = [0, 3, 2, 1];
/** Below this utilisation a late process was not busy but held up, and shedding its requests would not help it. */
const BUSY = 0.9;
const STILL_BUSY = 0.7;
/** A level is left at this part of the lag at which it is entered. */
const EXIT_PART = 0.5;
/** How long it must have been calm for that, in milliseconds. */
const HOLD_MS = 250;

/**
 * Which classes a process that cannot keep up sheds. Lag alone is not enough: a process that was suspended, or stood
 * still once, is late and not busy. Entering a level is immediate; leaving one takes half the lag or a loop that rests,
 * for a quarter of a second, so that it does not flap.
 */
export class OverloadLevel {
  readonly #maxLagMs: number;
  #level = 0;
  #calmSinceMs = 0;

  /** @param maxLagMs - Lag from which the lowest class is shed, in milliseconds, above 0. */
  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
  }

  /** 0 sheds nobody, 1 the lowest class, 3 all but the top class. */
  get level(): number {
    return this.#level;
  }

  sheds(rank: PriorityRank): boolean {
    return rank !== 0 && 4 - rank <= this.#level;
  }

  /** A class that is shed passes again once the lag has been no more than this for a while, in milliseconds. */
  calmLagMs(rank: PriorityRank): number {
    return this.#maxLagMs * LAG_FACTOR[rank] * EXIT_PART;
  }

  /** Whether so much lag is more than this class stands. */
  exceeds(rank: PriorityRank, lagMs: number): boolean {
    return lagMs > this.#maxLagMs * LAG_FACTOR[rank];
  }

  /**
   * Weighs what was measured.
   *
   * @param lagMs - How late the event loop runs.
   * @param utilisation - Share of the last while in which it was not idle, 0 to 1.
   */
  update(nowMs: number, lagMs: number, utilisation: number): void {
    let reached = 0;
    while (reached < 3 && this.exceeds(CLASS_OF_LEVEL[reached + 1] ?? 0, lagMs)) reached += 1;
    if (reached > this.#level && utilisation >= BUSY) {
      this.#level = reached;
      this.#calmSinceMs = nowMs;
      return;
    }
    if (this.#level === 0) return;
    const restless = utilisation >= STILL_BUSY && this.exceeds(CLASS_OF_LEVEL[this.#level] ?? 0, lagMs / EXIT_PART);
    if (restless) this.#calmSinceMs = nowMs;
    if (nowMs - this.#calmSinceMs < HOLD_MS) return;
    this.#level -= 1;
    this.#calmSinceMs = nowMs;
  }
}
