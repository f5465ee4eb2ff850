import { OverloadLevel } from '../core/overload-level.js';
import { type PriorityRank, TOP_RANK } from '../core/priority.js';
import type { LoopLag } from './loop-lag.js';

/** Milliseconds since the start in which the event loop waited, and in which it worked. */
export interface LoopTimes {
  readonly idle: number;
  readonly active: number;
}

/**
 * A turn counts for no more than so many times the lag that is allowed, or one stall of a process that rests otherwise
 * would be as bad as many: a fifth of it, its weight in the average, is below the bound.
 */
const MOST_PER_TURN = 4;
/** The baseline is renewed so often: utilisation is that of the last quarter to half of a second. */
const RENEW_MS = 250;

/**
 * Sheds by class while the process itself is too slow, the lowest class first and the top class never. It looks at the
 * lag of its own timer, because a stalled loop runs no other, and at the utilisation of the loop since a baseline that it
 * renews: since the start of the process it would say nothing after a day. What does not pass a guard, such as health
 * checks, is not touched.
 */
export class EventLoopGuard {
  readonly #lag: LoopLag;
  readonly #times: () => LoopTimes;
  readonly #level: OverloadLevel;
  #baseline: LoopTimes;
  #nextBaseline: LoopTimes;
  #renewAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param maxLagMs - Lag from which the lowest class is shed, in milliseconds, above 0.
   * @param times - What the loop has waited and worked so far. Default: Node's own account of this thread.
   */
  constructor(lag: LoopLag, maxLagMs: number, times: () => LoopTimes = () => performance.eventLoopUtilization()) {
    this.#lag = lag;
    this.#times = times;
    this.#level = new OverloadLevel(maxLagMs);
    this.#baseline = times();
    this.#nextBaseline = this.#baseline;
    lag.onTick((nowMs) => this.#tick(nowMs));
  }

  /** How late a turn may be called where so much lag is allowed, in milliseconds; 0 allows all. */
  static mostPerTurnMs(maxLagMs: number): number {
    return maxLagMs === 0 ? Number.POSITIVE_INFINITY : MOST_PER_TURN * maxLagMs;
  }

  /** Whether a request of this class is shed now. */
  sheds(nowMs: number, rank: PriorityRank): boolean {
    if (rank === TOP_RANK) return false;
    const lagMs = this.#lag.averageMs(nowMs);
    // Within a long turn no tick has told of it yet.
    if (!this.#level.sheds(rank) && this.#level.exceeds(rank, lagMs)) {
      this.#level.update(nowMs, lagMs, this.#utilisation(this.#times()));
    }
    return this.#level.sheds(rank);
  }

  /** The lag at which requests of this class pass again, in milliseconds; `Infinity` for the top class. */
  calmLagMs(rank: PriorityRank): number {
    return this.#level.calmLagMs(rank);
  }

  #tick(nowMs: number): void {
    const times = this.#times();
    this.#level.update(nowMs, this.#lag.averageMs(nowMs), this.#utilisation(times));
    if (nowMs < this.#renewAtMs) return;
    this.#renewAtMs = nowMs + RENEW_MS;
    this.#baseline = this.#nextBaseline;
    this.#nextBaseline = times;
  }

  #utilisation({ idle, active }: LoopTimes): number {
    const worked = active - this.#baseline.active;
    const all = worked + idle - this.#baseline.idle;
    return all > 0 ? worked / all : 0;
  }
}
