import { Calm } from './calm.js';
import { QuietBaseline } from './quiet-baseline.js';

/** Settings of a {@link Yielding}. */
export interface YieldingOptions {
  /** Seats of the pool that yields, while it need not. */
  readonly seats: number;
  /** Seats that it keeps in any case, at least 1. */
  readonly minSeats: number;
  /** Database time (p99) that the other pool is to keep, in ms. Default: twice its quiet one. */
  readonly targetMs?: number | undefined;
}

/** Why the number of seats was last changed by a {@link Yielding}. */
export type YieldReason =
  /** Nothing has changed it yet. */
  | 'start'
  /** The quiet database time of the other pool is not known yet, and can only be measured with few seats in use. */
  | 'measuring'
  /** The other pool missed its target, or had too few seats for a while. */
  | 'yielding'
  /** The other pool keeps its target: seats come back one by one. */
  | 'returning';

/** Seats and their use at one instant. */
export interface Occupation {
  readonly seats: number;
  readonly inFlight: number;
  /** Requests that wait for a seat. */
  readonly queued: number;
}

const TARGET_QUIET_TIMES = 2;
const QUIET = { part: 0.99, batch: 100 } as const;

/** What is over the target more often than this misses it: the 99th percentile. Single ones may be anything's fault. */
const OVER_SHARE = 0.01;
const OVER_LEAST = 3;
/** A seat comes back only where so much less than the target is kept too, so that one more does not miss it at once. */
const NEAR = 0.8;
/** Evidence counts half after this. */
const HALF_LIFE_MS = 3_000;

const DOWN_FACTOR = 0.7;
const DOWN_EVERY_MS = 500;
/** How long running work may take to leave the seats that were given up before the next step judges without it. */
const EFFECT_MS = 2_000;
const UP_EVERY_MS = 2_000;
const UP_EVERY_MOST_MS = 32_000;
const MEASURE_MS = 30_000;
/** A burst is over sooner than this; who has all seats in use and a queue for longer has more to do than it can. */
const PRESSED_MS = 500;

/**
 * How many seats a pool leaves to itself while another one, which shares the server, misses its target: times 0.7 for
 * each step down, one for each step back, so that it gives way fast and returns carefully (additive increase,
 * multiplicative decrease: Chiu and Jain 1989). A return that makes the other pool miss again is repeated later and
 * later.
 *
 * It gives way as well while the other pool has too few seats for what it is asked, and sends part of it away: what the
 * server has left then belongs to that pool.
 *
 * The target is judged by counting: the 99th percentile is above it when more than 1 % are. What a pool does when it is
 * alone is learned while both pools are calm; if the other pool is already at work before that was ever seen, this one
 * makes room once, for as long as the measurement takes.
 *
 * Pure: the instant is an argument. {@link control} is to be called about every 100 ms.
 */
export class Yielding {
  readonly #options: YieldingOptions;
  readonly #quiet = new QuietBaseline(QUIET);
  readonly #ownCalm = new Calm();
  readonly #otherCalm = new Calm();
  #limit: number;
  #reason: YieldReason = 'start';
  #total = 0;
  #over = 0;
  #near = 0;
  #agedAtMs: number;
  #changedAtMs: number;
  #settled = true;
  #watchedSinceMs: number;
  #upEveryMs = UP_EVERY_MS;
  #measureUntilMs: number | undefined;
  /** When the other pool had a seat left, or nobody waiting, last. */
  #unpressedAtMs: number;

  constructor(nowMs: number, options: YieldingOptions) {
    this.#options = options;
    this.#limit = options.seats;
    this.#agedAtMs = nowMs;
    this.#changedAtMs = nowMs;
    this.#watchedSinceMs = nowMs;
    this.#unpressedAtMs = nowMs;
  }

  /** Seats, from `minSeats` to `seats`. */
  get limit(): number {
    return this.#limit;
  }

  get reason(): YieldReason {
    return this.#reason;
  }

  /** The quiet database time (p99) of the other pool, in ms; `undefined` until it was measured. */
  get quietMs(): number | undefined {
    return this.#quiet.ms;
  }

  /** What the other pool's database time (p99) is to stay below, in ms; `undefined` until it can be known. */
  get targetMs(): number | undefined {
    const { targetMs } = this.#options;
    if (targetMs !== undefined) return targetMs;
    return this.#quiet.ms === undefined ? undefined : TARGET_QUIET_TIMES * this.#quiet.ms;
  }

  /**
   * The other pool got a connection back.
   *
   * @param ms - How long it was lent.
   * @param cutShort - It would have been lent longer.
   */
  lent(nowMs: number, ms: number, cutShort: boolean, own: Occupation, other: Occupation): void {
    this.#look(nowMs, own, other);
    const { targetMs } = this;
    if (!cutShort && this.#ownCalm.lasted(nowMs, ms) && this.#otherCalm.lasted(nowMs, ms)) this.#quiet.record(ms);
    if (targetMs === undefined) {
      this.#total++;
      return;
    }
    if (!this.#settled || (cutShort && ms <= NEAR * targetMs)) return;
    this.#total++;
    if (ms > NEAR * targetMs) this.#near++;
    if (ms > targetMs) this.#over++;
  }

  /** The server is away, so nothing is anybody's fault. */
  pause(nowMs: number): void {
    this.#unpressedAtMs = nowMs;
    this.#restart(nowMs);
  }

  /** Brings the number of seats up to date. */
  control(nowMs: number, own: Occupation, other: Occupation): void {
    this.#look(nowMs, own, other);
    this.#age(nowMs);
    if (other.queued === 0 || other.inFlight < other.seats) this.#unpressedAtMs = nowMs;
    const pressed = nowMs - this.#unpressedAtMs >= PRESSED_MS;
    // Nothing comes back before that is over for as long as a step takes.
    if (pressed) this.#watchedSinceMs = nowMs;
    const sinceMs = nowMs - this.#changedAtMs;
    if (!this.#settled && (own.inFlight <= this.#limit || sinceMs >= EFFECT_MS)) {
      this.#settled = true;
      this.#restart(nowMs);
    }
    if (this.#mustMeasure(nowMs)) this.#change(nowMs, this.#options.minSeats, 'measuring');
    else if (pressed || this.#misses(this.#over)) this.#giveWay(nowMs, sinceMs);
    else if (this.#settled && nowMs - this.#watchedSinceMs >= this.#upEveryMs && !this.#misses(this.#near)) {
      this.#comeBack(nowMs);
    }
  }

  #look(nowMs: number, own: Occupation, other: Occupation): void {
    // With no more in flight than it keeps in any case, a pool that makes room for a measurement counts as calm.
    const makesRoom = this.#measureUntilMs !== undefined && this.targetMs === undefined;
    if (!makesRoom || own.inFlight > this.#options.minSeats) this.#ownCalm.look(nowMs, own.inFlight, own.seats);
    this.#otherCalm.look(nowMs, other.inFlight, other.seats);
  }

  /** True while the other pool works, its quiet time is unknown, and this pool is in the way of measuring it. */
  #mustMeasure(nowMs: number): boolean {
    if (this.targetMs !== undefined) return false;
    if (this.#measureUntilMs === undefined) {
      if (this.#total < OVER_LEAST || this.#ownCalm.lasted(nowMs, HALF_LIFE_MS)) return false;
      this.#measureUntilMs = nowMs + MEASURE_MS;
    }
    return nowMs < this.#measureUntilMs;
  }

  #misses(count: number): boolean {
    return count >= OVER_LEAST && count > OVER_SHARE * this.#total;
  }

  #giveWay(nowMs: number, sinceMs: number): void {
    if (this.#limit <= this.#options.minSeats || (this.#reason === 'yielding' && sinceMs < DOWN_EVERY_MS)) return;
    if (this.#reason === 'returning' && sinceMs < 2 * this.#upEveryMs) {
      this.#upEveryMs = Math.min(UP_EVERY_MOST_MS, 2 * this.#upEveryMs);
    }
    this.#change(nowMs, Math.max(this.#options.minSeats, Math.floor(this.#limit * DOWN_FACTOR)), 'yielding');
  }

  #comeBack(nowMs: number): void {
    if (this.#limit < this.#options.seats) this.#change(nowMs, this.#limit + 1, 'returning');
    else this.#upEveryMs = UP_EVERY_MS;
  }

  #change(nowMs: number, limit: number, reason: YieldReason): void {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#reason = reason;
    this.#changedAtMs = nowMs;
    this.#restart(nowMs);
    this.#settled = reason === 'returning';
  }

  #restart(nowMs: number): void {
    this.#total = this.#over = this.#near = 0;
    this.#agedAtMs = nowMs;
    this.#watchedSinceMs = nowMs;
  }

  #age(nowMs: number): void {
    const left = 0.5 ** (Math.max(0, nowMs - this.#agedAtMs) / HALF_LIFE_MS);
    this.#agedAtMs = nowMs;
    this.#total *= left;
    this.#over *= left;
    this.#near *= left;
  }
}
