import { RecentDemand } from './recent-demand.js';

/**
 * Demand that has to leave tokens to others, and whether it lately did: where it is refused for that, what is left to
 * others must be where they find it, not prepaid by those who may not take it.
 */
export class SparedDemand {
  readonly #horizonMs: number;
  readonly #demand: RecentDemand;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #spare = 0;

  /** @param horizonMs - A refusal counts for so long, in ms, above 0; see {@link RecentDemand} for the demand. */
  constructor(horizonMs: number) {
    this.#horizonMs = horizonMs;
    this.#demand = new RecentDemand(horizonMs);
  }

  /** Tokens that the last one refused had to leave. */
  get spare(): number {
    return this.#spare;
  }

  /** Whether somebody was refused lately for what has to be left. */
  holds(nowMs: number): boolean {
    return nowMs - this.#refusedAtMs < this.#horizonMs;
  }

  /** Whether who has to leave so many tokens has nothing to hope for while {@link holds}: who leaves fewer has. */
  concerns(spare: number): boolean {
    return spare > 0 && spare >= this.#spare;
  }

  note(nowMs: number, cost: number, spare: number): void {
    if (this.concerns(spare)) this.#demand.note(nowMs, cost);
  }

  refused(nowMs: number, spare: number): void {
    this.#refusedAtMs = nowMs;
    this.#spare = spare;
  }

  /** About what those concerned ask for in the horizon, refusals not counted; 0 while nobody is refused. */
  within(nowMs: number): number {
    return this.holds(nowMs) ? this.#demand.within(nowMs) : 0;
  }
}
