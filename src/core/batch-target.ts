import { RecentDemand } from './recent-demand.js';
import { SparedDemand } from './spared-demand.js';

/** What is prepaid lasts so long at the present demand, less where the burst is small. Demand is averaged over as long. */
const AHEAD_MS = 200;
/** Tokens asked for in {@link AHEAD_MS} from which on some are prepaid: what one process keeps, the others lack. */
const BEGIN_DEMAND = 3;
/** Below it, what is prepaid is given back. */
const END_DEMAND = 0.5;

/** What a target depends on besides what is asked for. */
export interface BatchSituation {
  /** Whether nothing is prepaid so far. */
  readonly onCredit: boolean;
  /** Capacity of all processes together, in tokens. */
  readonly burst: number;
  /** Processes that share the burst, at least 1. */
  readonly sharers: number;
  /** Tokens of all processes and the ledger together. */
  readonly everywhere: number;
  /** For so long the burst lasts at the rate, in ms. */
  readonly lastsMs: number;
}

/** How many tokens a process should have prepaid, by what is asked of it and what it has to leave to others. */
export class BatchTarget {
  readonly #demand = new RecentDemand(AHEAD_MS);
  readonly #spared = new SparedDemand(AHEAD_MS);

  /** Somebody asked, and has to leave `spare` tokens. */
  note(nowMs: number, cost: number, spare: number): void {
    this.#demand.note(nowMs, cost);
    this.#spared.note(nowMs, cost, spare);
  }

  /** Somebody was refused for the tokens that have to be left. */
  refused(nowMs: number, spare: number): void {
    this.#spared.refused(nowMs, spare);
  }

  /** Whether who has to leave so many tokens has nothing to hope for from one batch more. */
  inVain(nowMs: number, spare: number): boolean {
    return this.#spared.concerns(spare) && this.#spared.holds(nowMs);
  }

  /** In tokens, 0 up to the burst. */
  at(nowMs: number, { onCredit, burst, sharers, everywhere, lastsMs }: BatchSituation): number {
    const all = this.#demand.within(nowMs);
    const sparing = Math.min(all, this.#spared.within(nowMs));
    const demand = all - sparing;
    if (demand < (onCredit ? BEGIN_DEMAND : END_DEMAND)) return 0;
    // A burst that refills sooner than it is fetched must not be kept whole: what refills overflows, and others lack it.
    const ahead = Math.min(1, lastsMs / (2 * AHEAD_MS));
    const holds = this.#spared.holds(nowMs);
    // Half of what is left to the more important is kept where they ask, half where any of them finds it.
    const share = (holds ? this.#spared.spare : burst) / sharers / (holds || ahead < 1 ? 2 : 1);
    const above = Math.max(0, everywhere - this.#spared.spare);
    return Math.min(burst, Math.max(1, share, demand * ahead + Math.min(sparing * ahead, above)));
  }
}
