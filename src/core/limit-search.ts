import type { HoldFigures } from './hold-window.js';

/** Why a concurrency limit was last changed by an {@link LimitSearch}. */
export type SearchReason =
  /** Nothing has changed it yet. */
  | 'start'
  /** Another number is tried, to see what it does to the throughput. */
  | 'trial'
  /** The trial cost throughput, or brought none: back to what was. */
  | 'trial_failed'
  /** Fewer seats do the same work. */
  | 'congestion'
  /** More seats do more work. */
  | 'throughput'
  /** All seats were in use and nobody got in another's way. */
  | 'demand'
  /** A burst of timeouts or cancels. */
  | 'strain';

/** Between which numbers is searched. */
export interface LimitBounds {
  /** The most seats, at least `minSeats`. The search begins here. */
  readonly seats: number;
  /** The fewest seats, at least 1. */
  readonly minSeats: number;
}

/**
 * A change of the seats by a factor is worth its while when throughput changes by that factor to this power. Above
 * the larger one seats are worth having, below the smaller one they are not; between them everything stays as it is.
 */
const WORTH_KEEPING = 0.1;
const WORTH_TAKING = 0.2;

const FIRST_WAIT_MS = 5_000;
const LAST_WAIT_MS = 30_000;
/** A trial may cost half of the throughput half of the time; in time that makes it a hundredth. */
const WAIT_TRIALS = 5;
const STRAIN_FACTOR = 0.7;

/** Large steps show clearly what they do. One down that was too large is followed by a smaller one. */
const DOWN_FACTOR = 1 / 2;
const CAREFUL_FACTOR = 3 / 4;
const UP_FACTOR = 3 / 2;
/** Growth without a trial is in smaller steps: nothing would tell that it went too far but what comes after. */
const GROW_FACTOR = 5 / 4;

/**
 * How clear the mean of so many comparisons must be to decide, as a difference of logarithms; after the last of them the
 * sign decides. Neighbours on the machine shake single windows by a fifth, and a clear case needs no more than one or two.
 */
const CLEAR = [0.4, 0.2, 0.15, 0.12, 0.1, 0] as const;

/** Two numbers of seats, measured in turns, so that what else goes on meanwhile touches both. */
interface Trial {
  readonly from: number;
  readonly to: number;
  readonly beganAtMs: number;
  /** Throughput of the last window at `from`. */
  fromThroughput: number;
  /** By how much `to` was better than it had to be, as a sum of logarithms. */
  gain: number;
  comparisons: number;
}

/** When one direction may be tried again: later and later while it fails. */
class Patience {
  #readyAtMs = Number.NEGATIVE_INFINITY;
  #waits = 0;

  ready(nowMs: number): boolean {
    return nowMs >= this.#readyAtMs;
  }

  wait(nowMs: number, trialMs: number): void {
    const base = Math.max(FIRST_WAIT_MS, WAIT_TRIALS * trialMs);
    this.#readyAtMs = nowMs + Math.min(base * 2 ** this.#waits, Math.max(LAST_WAIT_MS, 4 * base));
    this.#waits = Math.min(this.#waits + 1, 8);
  }

  reset(): void {
    this.#readyAtMs = Number.NEGATIVE_INFINITY;
    this.#waits = 0;
  }
}

/**
 * Finds how many seats do the most work: hill climbing on throughput, with hysteresis.
 *
 * While nobody is in another's way there is nothing to gain by fewer seats, and full seats get more. Where requests slow
 * each other down, or where it is not known whether they do, fewer are tried, and kept only if throughput did not fall
 * with them; then more are tried, and kept only if it rose. A trial that fails is taken back and repeated later and
 * later. So a slowness that does not depend on the seats moves nothing for long: throughput tells that it does not.
 *
 * Limits that follow latency alone drift there: upwards without bound while a slowdown is within the tolerance
 * (Netflix concurrency-limits #134, #137), or downwards until it is forgotten (Envoy #38338). failsafe-go's adaptive
 * limiter and Uber's Cinnamon look at the correlation of limit and throughput; here the change of the limit is made on
 * purpose, which needs no history and tells cause from coincidence. Never above `seats`, never below `minSeats`.
 */
export class LimitSearch {
  readonly #bounds: LimitBounds;
  readonly #down = new Patience();
  readonly #up = new Patience();
  #limit: number;
  #reason: SearchReason = 'start';
  #trial: Trial | undefined;
  /** The last trial of fewer seats failed. */
  #careful = false;
  /** The limit was raised since it was last lowered: lowering it again means that this was wrong. */
  #rose = false;
  /** The number of seats that was last found to be too many. */
  #crowdedAt = Number.POSITIVE_INFINITY;

  constructor(bounds: LimitBounds) {
    this.#bounds = bounds;
    this.#limit = bounds.seats;
  }

  get limit(): number {
    return this.#limit;
  }

  get reason(): SearchReason {
    return this.#reason;
  }

  /** Whether two numbers of seats are being compared. */
  get trying(): boolean {
    return this.#trial !== undefined;
  }

  /** What a window at the present limit found, with all seats in use. */
  measured(nowMs: number, figures: HoldFigures): void {
    const trial = this.#trial;
    if (trial !== undefined && !this.#succeeded(nowMs, figures, trial)) return;
    if (figures.congested === false) this.#grow(nowMs);
    else this.#try(nowMs, figures);
  }

  /** There is not enough to do to measure anything: a trial is over, and the limit stays as it was. */
  idle(): void {
    if (this.#trial === undefined) return;
    this.#limit = this.#trial.from;
    this.#reason = 'trial_failed';
    this.#trial = undefined;
  }

  /** Nothing was to be done for long: what was found may not hold any more, and may be asked again at once. */
  forget(): void {
    this.idle();
    this.#down.reset();
    this.#forgetCrowding();
  }

  /** A burst of timeouts or cancels: down at once, whatever was being tried. */
  strained(nowMs: number): void {
    this.#trial = undefined;
    this.#set(Math.max(this.#bounds.minSeats, Math.floor(this.#limit * STRAIN_FACTOR)), 'strain');
    this.#forgetCrowding();
    this.#rose = false;
    this.#down.wait(nowMs, 0);
  }

  /** True when the trial is over and was a success: the next one can follow at once. */
  #succeeded(nowMs: number, figures: HoldFigures, trial: Trial): boolean {
    const gain = this.#compare(figures.throughput, trial);
    if (gain === undefined) return false;
    this.#trial = undefined;
    const rising = trial.to > trial.from;
    const tookMs = nowMs - trial.beganAtMs;
    if (gain < 0) {
      const patience = rising ? this.#up : this.#down;
      // A trial that was never clear has cost next to nothing, however long it took.
      patience.wait(nowMs, trial.comparisons < CLEAR.length ? tookMs : 0);
      if (!rising) this.#careful = !this.#careful;
      this.#limit = trial.from;
      this.#reason = 'trial_failed';
      return false;
    }
    this.#reason = rising ? 'throughput' : 'congestion';
    if (rising) this.#raised();
    else this.#lowered(nowMs, trial.from, tookMs);
    return true;
  }

  /** Takes a window into account; the mean gain of the trial once it is clear, else the other number gets its turn. */
  #compare(throughput: number, trial: Trial): number | undefined {
    if (this.#limit === trial.from) {
      trial.fromThroughput = throughput;
      this.#limit = trial.to;
      return undefined;
    }
    const factor = trial.to / trial.from;
    const worth = factor > 1 ? WORTH_TAKING : WORTH_KEEPING;
    trial.gain += Math.log(throughput / trial.fromThroughput) - worth * Math.log(factor);
    trial.comparisons++;
    const gain = trial.gain / trial.comparisons;
    if (Math.abs(gain) >= (CLEAR[trial.comparisons - 1] ?? 0)) return gain;
    this.#limit = trial.from;
    return undefined;
  }

  #grow(nowMs: number): void {
    const most = this.#up.ready(nowMs) ? this.#bounds.seats : this.#crowdedAt - 1;
    const more = Math.min(most, this.#more(GROW_FACTOR));
    if (more <= this.#limit) return;
    this.#set(more, 'demand');
    this.#raised();
  }

  #try(nowMs: number, { throughput }: HoldFigures): void {
    const { seats, minSeats } = this.#bounds;
    const from = this.#limit;
    const fewer = from > minSeats && this.#down.ready(nowMs);
    if (!fewer && !(from < seats && this.#up.ready(nowMs))) return;
    const to = fewer ? this.#fewer() : this.#more(UP_FACTOR);
    this.#trial = { from, to, beganAtMs: nowMs, fromThroughput: throughput, gain: 0, comparisons: 0 };
    this.#set(to, 'trial');
  }

  #raised(): void {
    this.#rose = true;
    if (this.#limit > this.#crowdedAt) this.#forgetCrowding();
  }

  /** More seats were of no use, so as many are not asked for again at once; all the later where they just had been. */
  #lowered(nowMs: number, from: number, trialMs: number): void {
    if (!this.#rose) this.#up.reset();
    this.#up.wait(nowMs, trialMs);
    this.#down.reset();
    this.#crowdedAt = from;
    this.#rose = false;
  }

  #forgetCrowding(): void {
    this.#up.reset();
    this.#crowdedAt = Number.POSITIVE_INFINITY;
  }

  #fewer(): number {
    const fewer = Math.floor(this.#limit * (this.#careful ? CAREFUL_FACTOR : DOWN_FACTOR));
    return Math.max(this.#bounds.minSeats, fewer);
  }

  #more(factor: number): number {
    return Math.min(this.#bounds.seats, Math.max(this.#limit + 1, Math.floor(this.#limit * factor)));
  }

  #set(limit: number, reason: SearchReason): void {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#reason = reason;
  }
}
