import { Calm } from './calm.js';
import { HoldWindow } from './hold-window.js';
import { type LimitBounds, LimitSearch, type SearchReason } from './limit-search.js';
import { RouteReference } from './route-reference.js';

/** The seats of a pool at one instant, as {@link AdaptiveLimit.control} needs them. */
export interface SeatsInUse {
  /** The concurrency limit in force, which others may hold lower than this one. */
  readonly seats: number;
  readonly inFlight: number;
}

/** Full is nine of ten: at least that many must be in use for more to make sense. */
const FULL = 0.9;
/** Seats that are not full but at least so far in use are enough for a load that has not gone away. */
const ENOUGH = 0.5;
/** Without full seats for so long, a trial is over; and for so much longer, what was found is asked again. */
const VANISHED_MS = 1_000;
const FORGET_MS = 30_000;

/**
 * The concurrency limit of one pool, adapted to what the server behind it bears: never above the pool's seats, never
 * below its minimum.
 *
 * The signal is how long requests hold their seat against the quiet baseline of their own route, and throughput: the
 * limit falls where requests slow each other down and fewer seats do the same work, or on a burst of timeouts and
 * cancels; it rises only while its seats are in use. Queueing is not part of the signal, for the queue is ours and
 * measured by itself. See {@link LimitSearch} for the rule, {@link HoldWindow} for the measurement and
 * {@link QuietBaseline} for the baseline.
 *
 * Pure: the instant is an argument. {@link control} is to be called about every 100 ms, {@link ended} for every request.
 */
export class AdaptiveLimit {
  readonly #search: LimitSearch;
  readonly #window = new HoldWindow();
  readonly #calm = new Calm();
  readonly #references = new Map<string, RouteReference>();
  #fullAtMs: number;

  constructor(nowMs: number, bounds: LimitBounds) {
    this.#search = new LimitSearch(bounds);
    this.#fullAtMs = nowMs;
  }

  /** The concurrency limit, from `minSeats` to `seats`. */
  get limit(): number {
    return this.#search.limit;
  }

  /** Why it was last changed. */
  get reason(): SearchReason {
    return this.#search.reason;
  }

  /** What is known of each route, by its name. */
  get references(): ReadonlyMap<string, RouteReference> {
    return this.#references;
  }

  /**
   * A request ended, and its seat is about to be free.
   *
   * @param route - Its name, of a set that the configuration bounds.
   * @param outcome - `done`: by itself, so that its time tells something; `strained`: it ran into its deadline; `other`:
   *   its client left, or it failed.
   */
  ended(nowMs: number, route: string, heldMs: number, outcome: 'done' | 'strained' | 'other', use: SeatsInUse): void {
    this.#calm.look(nowMs, use.inFlight, use.seats);
    if (outcome !== 'done') return this.#window.wasted(nowMs, heldMs, outcome === 'strained');
    const reference = this.#reference(route);
    reference.record(heldMs, this.#calm.lasted(nowMs, heldMs));
    const { workMs, quietMs } = reference;
    if (workMs !== undefined) this.#window.done(nowMs, heldMs, workMs, quietMs);
  }

  /** The database stopped a statement, or says that it has too little of something. */
  strained(): void {
    this.#window.strain();
  }

  /** Nothing can be learned at present: the server is away. */
  pause(nowMs: number): void {
    this.#window.close();
    this.#search.idle(nowMs, false);
    this.#fullAtMs = nowMs;
  }

  /** Brings the limit up to date. */
  control(nowMs: number, { seats, inFlight }: SeatsInUse): void {
    if (seats < this.limit) return this.pause(nowMs);
    // The last cut has not taken effect: what ends now belongs to the time before it.
    if (inFlight > this.limit) return;
    const full = inFlight >= FULL * this.limit;
    if (full) this.#fullAtMs = nowMs;
    if (nowMs - this.#fullAtMs > VANISHED_MS) this.#rest(nowMs);
    else this.#measure(nowMs, full, inFlight >= ENOUGH * this.limit);
  }

  #measure(nowMs: number, full: boolean, enough: boolean): void {
    if (!this.#window.open) {
      if (full) this.#begin(nowMs);
      return;
    }
    const figures = this.#window.figures(nowMs);
    if (figures !== undefined) this.#search.measured(nowMs, figures);
    else if (this.#window.look(full)) return;
    else this.#search.idle(nowMs, enough);
    this.#window.close();
  }

  #begin(nowMs: number): void {
    if (!this.#search.trying) for (const reference of this.#references.values()) reference.settle();
    this.#window.begin(nowMs, this.limit);
  }

  #reference(route: string): RouteReference {
    let reference = this.#references.get(route);
    if (reference === undefined) {
      reference = new RouteReference();
      this.#references.set(route, reference);
    }
    return reference;
  }

  #rest(nowMs: number): void {
    this.#window.close();
    if (nowMs - this.#fullAtMs > FORGET_MS) this.#search.forget(nowMs);
    else this.#search.idle(nowMs, false);
  }
}
