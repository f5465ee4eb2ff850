import type { Archive } from './archive.js';
import { PRIORITY_RANKS, type PriorityRank, TOP_RANK } from './priority.js';

/** How the classes of one pool share its seats while they compete. Fractions of the pool; `cap + Σ minima ≤ 1`. */
export interface Shares {
  /** What the top class gets at most while a lower class waits. */
  readonly cap: number;
  /** What each class gets at least while it waits; the entry of the top class is not used. */
  readonly minima: readonly [number, number, number, number];
}

/** The shares of DESIGN: the top class is strict up to nine tenths, the others have a tenth between them. */
export const DEFAULT_SHARES: Shares = { cap: 0.9, minima: [0, 0.06, 0.03, 0.01] };

/** A credit or a debt is remembered for this long at most, so that neither a quiet nor a greedy hour is paid for later. */
const MEMORY_MS = 1_000;
/** A class without a minimum still moves in virtual time, slowly. */
const LEAST_WEIGHT = 0.001;

/**
 * The accounts of the priority classes: a deficit per class in seat-milliseconds (what its minimum promised and it did
 * not get while it waited) and a virtual time (what it was served, by weight).
 *
 * Accounts are charged when a request is served and never when it arrives, so that shed requests cost their class
 * nothing. The virtual clock is that of start-time fair queueing (Goyal, Vin, Chen 1996), without tags at arrival.
 */
export class ClassShares {
  readonly #shares: Shares;
  readonly #deficit: [number, number, number, number] = [0, 0, 0, 0];
  readonly #served: [number, number, number, number] = [0, 0, 0, 0];
  readonly #wasWaiting: [boolean, boolean, boolean, boolean] = [false, false, false, false];
  /** What all lower classes together are owed, because the top class stops at its cap. */
  #lowerDeficit = 0;
  #virtualNow = 0;
  #atMs: number | undefined;

  constructor(shares: Shares) {
    this.#shares = shares;
  }

  /** Brings the accounts to an instant. `waiting` tells for a class whether it has had a ticket queued since then. */
  advance(nowMs: number, seats: number, waiting: (rank: PriorityRank) => boolean): void {
    const elapsedMs = this.#atMs === undefined ? 0 : Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    const seatMs = elapsedMs * seats;
    let lowerWaits = false;
    for (const rank of PRIORITY_RANKS) {
      const waits = waiting(rank);
      if (waits && !this.#wasWaiting[rank]) this.#served[rank] = Math.max(this.#served[rank], this.#virtualNow);
      this.#wasWaiting[rank] = waits;
      if (rank === TOP_RANK) continue;
      lowerWaits ||= waits;
      this.#deficit[rank] = credit(this.#deficit[rank], seatMs * this.#shares.minima[rank], waits, seats);
    }
    this.#lowerDeficit = credit(this.#lowerDeficit, seatMs * (1 - this.#shares.cap), lowerWaits, seats);
  }

  /** Charges a class for seat-milliseconds; a negative amount corrects a charge that was too high. */
  charge(rank: PriorityRank, seatMs: number, seats: number): void {
    const weight = Math.max(LEAST_WEIGHT, this.#shares.minima[rank]);
    this.#served[rank] += seatMs / weight;
    if (rank === TOP_RANK) return;
    const least = -seats * MEMORY_MS;
    this.#deficit[rank] = Math.max(least, this.#deficit[rank] - seatMs);
    this.#lowerDeficit = Math.max(least, this.#lowerDeficit - seatMs);
  }

  /** The lower class that is owed most of its minimum, among those that wait; `undefined` when none is owed anything. */
  owed(waiting: (rank: PriorityRank) => boolean): PriorityRank | undefined {
    let most: PriorityRank | undefined;
    for (const rank of PRIORITY_RANKS) {
      if (rank === TOP_RANK || this.#deficit[rank] <= 0 || !waiting(rank)) continue;
      if (most === undefined || this.#deficit[rank] > this.#deficit[most]) most = rank;
    }
    if (most === undefined && this.#lowerDeficit > 0) return this.leastServed(waiting);
    return most;
  }

  /** The lower class that was served least for its weight, among those that wait. */
  leastServed(waiting: (rank: PriorityRank) => boolean): PriorityRank | undefined {
    let least: PriorityRank | undefined;
    for (const rank of PRIORITY_RANKS) {
      if (rank === TOP_RANK || !waiting(rank)) continue;
      if (least === undefined || this.#served[rank] < this.#served[least]) least = rank;
    }
    if (least !== undefined) this.#virtualNow = Math.max(this.#virtualNow, this.#served[least]);
    return least;
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    io.numbers(this.#deficit);
    io.numbers(this.#served);
    io.flags(this.#wasWaiting);
    this.#lowerDeficit = io.number(this.#lowerDeficit);
    this.#virtualNow = io.number(this.#virtualNow);
    this.#atMs = io.optional(this.#atMs);
  }
}

/** A waiting class earns its share; one that does not wait only pays its debt off, and keeps no credit. */
function credit(balance: number, earned: number, waits: boolean, seats: number): number {
  const next = balance + earned;
  return waits ? Math.min(next, seats * MEMORY_MS) : Math.min(next, 0);
}
