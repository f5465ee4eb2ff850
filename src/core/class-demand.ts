import { PRIORITY_RANKS, type PriorityRank } from './priority.js';

/** What has been asked weighs half after so long. */
const HALF_LIFE_MS = 250;
/** Less than this is nobody any more. */
const NOBODY = 0.25;

/**
 * How much each class has asked for lately, and which part of each fits into a share of the whole when the more
 * important classes go first: of 100 checkouts and 300 reports, a share of 30 % is all checkouts and 7 % of the reports.
 */
export class ClassDemand {
  readonly #asked: [number, number, number, number] = [0, 0, 0, 0];
  readonly #lastMs: [number, number, number, number] = [-Infinity, -Infinity, -Infinity, -Infinity];
  #agedAtMs = -Infinity;

  /** A request of this class asks to be let through. */
  ask(nowMs: number, rank: PriorityRank): void {
    this.#age(nowMs);
    this.#asked[rank] += 1;
    this.#lastMs[rank] = nowMs;
  }

  /**
   * Which part of a class fits into a share of all demand.
   *
   * @param share - 0 to 1.
   * @returns 0 to 1; 1 for a class that nobody has asked for, if anything is left for it.
   */
  part(nowMs: number, rank: PriorityRank, share: number): number {
    if (share >= 1) return 1;
    this.#age(nowMs);
    const left = share * this.#sum(3) - (rank === 0 ? 0 : this.#sum(rank - 1));
    if (left <= 0) return 0;
    return Math.min(1, left / Math.max(this.#asked[rank], NOBODY));
  }

  /** The smallest share of all demand in which the whole of a class has room, 0 to 1. */
  shareFor(nowMs: number, rank: PriorityRank): number {
    this.#age(nowMs);
    const all = this.#sum(3);
    return all === 0 ? 1 : this.#sum(rank) / all;
  }

  /** How long ago a more important class asked of which the share leaves some behind; `Infinity` where none did. */
  sinceMoreImportantMs(nowMs: number, rank: PriorityRank, share: number): number {
    let lastMs = -Infinity;
    for (const other of PRIORITY_RANKS) {
      if (other >= rank) break;
      if (this.part(nowMs, other, share) < 1) lastMs = Math.max(lastMs, this.#lastMs[other]);
    }
    return nowMs - lastMs;
  }

  /** Everything asked for by the classes down to this one. */
  #sum(rank: number): number {
    let sum = 0;
    for (const other of PRIORITY_RANKS) if (other <= rank) sum += this.#asked[other];
    return sum;
  }

  #age(nowMs: number): void {
    const halvings = Math.floor((nowMs - this.#agedAtMs) / HALF_LIFE_MS);
    if (halvings <= 0) return;
    this.#agedAtMs = halvings === Infinity ? nowMs : this.#agedAtMs + halvings * HALF_LIFE_MS;
    const factor = 0.5 ** halvings;
    for (const rank of PRIORITY_RANKS) {
      const left = this.#asked[rank] * factor;
      this.#asked[rank] = left < NOBODY ? 0 : left;
    }
  }
}
