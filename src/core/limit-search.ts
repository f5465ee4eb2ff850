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
/** A trial may cost a quarter of the throughput; waiting so many times as long makes that a hundredth at most. */
const WAIT_TRIALS = 10;
const STRAIN_FACTOR = 0.7;

interface Trial {
  readonly from: number;
  readonly throughput: number;
  readonly beganAtMs: number;
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
  /** The limit was last raised, so lowering it means that this was wrong. */
  #rose = false;

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

  /** What a window at the present limit found, with all seats in use. */
  measured(nowMs: number, figures: HoldFigures): void {
    if (this.#trial !== undefined && !this.#judge(nowMs, figures, this.#trial)) return;
    if (figures.congested === false) this.#grow(nowMs);
    else this.#try(nowMs, figures);
  }

  /** There is not enough to do to measure anything: a trial is over, and the limit stays as it was. */
  idle(): void {
    if (this.#trial !== undefined) this.#set(this.#trial.from, 'trial_failed');
    this.#trial = undefined;
  }

  /** Nothing was to be done for long: what was found may not hold any more, and may be asked again at once. */
  forget(): void {
    this.idle();
    this.#down.reset();
    this.#up.reset();
  }

  /** A burst of timeouts or cancels: down at once, whatever was being tried. */
  strained(nowMs: number): void {
    this.#trial = undefined;
    this.#set(Math.max(this.#bounds.minSeats, Math.floor(this.#limit * STRAIN_FACTOR)), 'strain');
    this.#up.reset();
    this.#rose = false;
    this.#down.wait(nowMs, 0);
  }

  /** True when the trial was a success: the next one can follow at once. */
  #judge(nowMs: number, { throughput, lastedMs }: HoldFigures, trial: Trial): boolean {
    this.#trial = undefined;
    const factor = this.#limit / trial.from;
    const rising = factor > 1;
    const enough = throughput >= trial.throughput * factor ** (rising ? WORTH_TAKING : WORTH_KEEPING);
    if (!enough) {
      const patience = rising ? this.#up : this.#down;
      patience.wait(nowMs, Math.max(lastedMs, nowMs - trial.beganAtMs));
      this.#set(trial.from, 'trial_failed');
      return false;
    }
    this.#reason = rising ? 'throughput' : 'congestion';
    if (rising) this.#raised();
    else this.#lowered(nowMs, lastedMs);
    return true;
  }

  #grow(nowMs: number): void {
    if (this.#limit >= this.#bounds.seats || !this.#up.ready(nowMs)) return;
    this.#set(this.#more(), 'demand');
    this.#raised();
  }

  #try(nowMs: number, { throughput }: HoldFigures): void {
    const { seats, minSeats } = this.#bounds;
    const from = this.#limit;
    const fewer = from > minSeats && this.#down.ready(nowMs);
    if (!fewer && !(from < seats && this.#up.ready(nowMs))) return;
    this.#trial = { from, throughput, beganAtMs: nowMs };
    this.#set(fewer ? Math.max(minSeats, from - stepOf(from)) : this.#more(), 'trial');
  }

  #raised(): void {
    if (this.#rose) this.#up.reset();
    this.#rose = true;
  }

  /** More seats were of no use, so they are not asked for again at once; all the later where they just had been. */
  #lowered(nowMs: number, trialMs: number): void {
    if (!this.#rose) this.#up.reset();
    this.#up.wait(nowMs, trialMs);
    this.#down.reset();
    this.#rose = false;
  }

  #more(): number {
    return Math.min(this.#bounds.seats, this.#limit + stepOf(this.#limit));
  }

  #set(limit: number, reason: SearchReason): void {
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#reason = reason;
  }
}

/** A quarter: large enough to see what it does, small enough to lose little. */
function stepOf(limit: number): number {
  return Math.max(1, Math.floor(limit / 4));
}
