import type { Archive } from './archive.js';
import { PRIORITY_RANKS, type PriorityRank } from './priority.js';

/** Time over which the average forgets. */
const SMOOTHING_MS = 500;

/**
 * How many seats each class really gets while it waits: a time-weighted, exponentially forgetting average of its
 * seats in use. By Little's law the queued work of a class divided by this is its wait.
 *
 * A class that did not wait has no average: it starts from what it can expect, so that an idle class never looks slow.
 */
export class ClassLoad {
  readonly #average: [number, number, number, number] = [0, 0, 0, 0];
  readonly #wasWaiting: [boolean, boolean, boolean, boolean] = [false, false, false, false];
  #atMs: number | undefined;

  /** Brings the averages to an instant; the arguments describe the time since the last call. */
  advance(nowMs: number, inFlight: readonly number[], waiting: (rank: PriorityRank) => boolean): void {
    const elapsedMs = this.#atMs === undefined ? 0 : Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    const share = elapsedMs / (elapsedMs + SMOOTHING_MS);
    for (const rank of PRIORITY_RANKS) {
      const waits = waiting(rank);
      if (waits && this.#wasWaiting[rank]) {
        this.#average[rank] += ((inFlight[rank] ?? 0) - this.#average[rank]) * share;
      }
      this.#wasWaiting[rank] = waits;
    }
  }

  /** Seats that a class drains its queue with. `nominal` is what it may expect; used until it was seen waiting. */
  seats(rank: PriorityRank, nominal: number, least: number): number {
    if (!this.#wasWaiting[rank]) {
      this.#average[rank] = nominal;
      return Math.max(least, nominal);
    }
    return Math.max(least, this.#average[rank]);
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    io.numbers(this.#average);
    io.flags(this.#wasWaiting);
    this.#atMs = io.optional(this.#atMs);
  }
}
