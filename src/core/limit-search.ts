import type { HoldFigures } from './hold-window.js';
import { Patience } from './patience.js';
import { SeatTrial } from './seat-trial.js';

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
  /** Many ran into their deadline, and with fewer seats no less gets done. */
  | 'strain'
  /** More seats do more work. */
  | 'throughput'
  /** All seats were in use and nobody got in another's way, or with more of them there were seats enough. */
  | 'demand';

/** Between which numbers is searched. */
export interface LimitBounds {
  /** The most seats, at least `minSeats`. The search begins here. */
  readonly seats: number;
  /** The fewest seats, at least 1. */
  readonly minSeats: number;
}

/** Large steps show clearly what they do. One down that was too large is followed by a smaller one. */
const DOWN_FACTOR = 1 / 2;
const CAREFUL_FACTOR = 3 / 4;
const UP_FACTOR = 3 / 2;
/** Growth without a trial is in smaller steps: nothing would tell that it went too far but what comes after. */
const GROW_FACTOR = 5 / 4;

/**
 * Finds how many seats do the most work: hill climbing on throughput, with hysteresis.
 *
 * While nobody is in another's way there is nothing to gain by fewer seats, and full seats get more. Where requests slow
 * each other down, or where it is not known whether they do, fewer are tried, and kept only if throughput did not fall
 * with them; then more are tried, and kept only if it rose. A trial that fails is taken back and repeated later and
 * later; more seats that are not all needed are kept. So neither a slowness nor
 * timeouts that do not depend on the seats move anything for long: throughput tells that they do not.
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
  /** What was found so far. */
  #found: number;
  #reason: SearchReason = 'start';
  #trial: SeatTrial | undefined;
  /** Why fewer are tried. */
  #cause: SearchReason = 'congestion';
  /** The last trial of fewer seats failed. */
  #careful = false;
  /** The limit was raised since it was last lowered: lowering it again means that this was wrong. */
  #rose = false;
  /** The number of seats that was last found to be too many. */
  #crowdedAt = Number.POSITIVE_INFINITY;

  constructor(bounds: LimitBounds) {
    this.#bounds = bounds;
    this.#found = bounds.seats;
  }

  get limit(): number {
    return this.#trial?.seats ?? this.#found;
  }

  get reason(): SearchReason {
    return this.#trial === undefined ? this.#reason : 'trial';
  }

  /** Whether two numbers of seats are being compared. */
  get trying(): boolean {
    return this.#trial !== undefined;
  }

  /** What a window at the present limit found, with all seats in use. */
  measured(nowMs: number, figures: HoldFigures): void {
    if (this.#trial !== undefined && !this.#succeeded(nowMs, figures, this.#trial)) return;
    if (figures.congested === false && this.#grow()) return;
    this.#try(nowMs, figures);
  }

  /**
   * The seats are not full, so nothing can be measured, and a trial is over.
   *
   * @param enough - Most seats are in use: where more are being tried, they serve all that there is, and stay.
   */
  idle(nowMs: number, enough: boolean): void {
    const trial = this.#trial;
    if (trial === undefined) return;
    this.#trial = undefined;
    if (trial.rising && enough) this.#raise(trial.to, 'demand');
    else this.#fail(nowMs, trial);
  }

  /** Nothing was to be done for long: what was found may not hold any more, and may be asked again at once. */
  forget(nowMs: number): void {
    this.idle(nowMs, false);
    this.#down.reset();
    this.#forgetCrowding();
  }

  /** True when the trial is over and was a success: the next one can follow at once. */
  #succeeded(nowMs: number, { throughput }: HoldFigures, trial: SeatTrial): boolean {
    const verdict = trial.measured(throughput);
    if (verdict === undefined) return false;
    this.#trial = undefined;
    if (verdict === 'worse') this.#fail(nowMs, trial);
    else if (trial.rising) this.#raise(trial.to, 'throughput');
    else this.#lower(nowMs, trial);
    return verdict === 'better';
  }

  #fail(nowMs: number, { rising, beganAtMs }: SeatTrial): void {
    (rising ? this.#up : this.#down).wait(nowMs, nowMs - beganAtMs);
    if (!rising) this.#careful = !this.#careful;
    this.#reason = 'trial_failed';
  }

  /** Nobody is in the way: more, short of what was too many. False when there are no more. */
  #grow(): boolean {
    const more = Math.min(this.#crowdedAt - 1, this.#more(GROW_FACTOR));
    if (more <= this.#found) return false;
    this.#raise(more, 'demand');
    return true;
  }

  /** Where both are due, more are tried first unless they crowd: too few cost more than too many. */
  #try(nowMs: number, { throughput, congested, strained }: HoldFigures): void {
    const { seats, minSeats } = this.#bounds;
    const from = this.#found;
    const more = from < seats && this.#up.ready(nowMs);
    const fewer = from > minSeats && this.#down.ready(nowMs) && congested !== false;
    if (!more && !fewer) return;
    const to = more && !(fewer && congested === true) ? this.#more(UP_FACTOR) : this.#fewer();
    this.#cause = strained ? 'strain' : 'congestion';
    this.#trial = new SeatTrial(nowMs, from, to, throughput);
  }

  #raise(seats: number, reason: SearchReason): void {
    this.#found = seats;
    this.#reason = reason;
    this.#rose = true;
    if (seats > this.#crowdedAt) this.#forgetCrowding();
  }

  /** More seats were of no use, so as many are not asked for again at once; all the later where they just had been. */
  #lower(nowMs: number, { from, to, beganAtMs }: SeatTrial): void {
    if (!this.#rose) this.#up.reset();
    this.#up.wait(nowMs, nowMs - beganAtMs);
    this.#down.reset();
    this.#crowdedAt = from;
    this.#found = to;
    this.#reason = this.#cause;
    this.#rose = false;
  }

  #forgetCrowding(): void {
    this.#up.reset();
    this.#crowdedAt = Number.POSITIVE_INFINITY;
  }

  #fewer(): number {
    const fewer = Math.floor(this.#found * (this.#careful ? CAREFUL_FACTOR : DOWN_FACTOR));
    return Math.max(this.#bounds.minSeats, fewer);
  }

  #more(factor: number): number {
    return Math.min(this.#bounds.seats, Math.max(this.#found + 1, Math.floor(this.#found * factor)));
  }
}
