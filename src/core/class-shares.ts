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

/**
 * A credit is remembered for this long of all seats at most, a debt for as long as its payment takes: neither a quiet
 * nor a greedy hour is paid for later, and no class waits longer for what its minimum promises.
 */
const MEMORY_MS = 1_000;
/** A class without a minimum still moves in virtual time, slowly. */
const LEAST_WEIGHT = 0.001;

/** What is noted on a lease that its class is charged for, all in seat-milliseconds. */
export interface ChargedLease {
  readonly rank: PriorityRank;
  /** What it was predicted to use. */
  readonly expectedMs: number;
  /** How much of that its class was charged, and how much all lower classes: a debt at its bound does not grow. */
  chargedMs: number;
  chargedLowerMs: number;
}

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

  /** A lease begins: its class is charged with what is predicted. */
  begin(lease: ChargedLease, seats: number): void {
    const { rank, expectedMs } = lease;
    this.#serve(rank, expectedMs);
    if (rank === TOP_RANK) return;
    const least = this.#leastOf(rank, seats);
    lease.chargedMs = chargeable(this.#deficit[rank], expectedMs, least);
    lease.chargedLowerMs = chargeable(this.#lowerDeficit, expectedMs, this.#leastOfLower(seats));
    this.#deficit[rank] -= lease.chargedMs;
    this.#lowerDeficit -= lease.chargedLowerMs;
  }

  /**
   * A lease ends that used so many seat-milliseconds: what it used beyond the prediction is charged, and what it was
   * charged and did not use is given back. What the bound on debts forgave is not, or work that is broken off early
   * would earn credit.
   */
  end(lease: ChargedLease, usedMs: number, seats: number): void {
    const { rank, expectedMs, chargedMs, chargedLowerMs } = lease;
    this.#serve(rank, usedMs - expectedMs);
    if (rank === TOP_RANK) return;
    const moreMs = Math.max(0, usedMs - expectedMs);
    const own = this.#deficit[rank] + Math.max(0, chargedMs - usedMs);
    this.#deficit[rank] = own - chargeable(own, moreMs, this.#leastOf(rank, seats));
    const lower = this.#lowerDeficit + Math.max(0, chargedLowerMs - usedMs);
    this.#lowerDeficit = lower - chargeable(lower, moreMs, this.#leastOfLower(seats));
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

  #serve(rank: PriorityRank, seatMs: number): void {
    this.#served[rank] += seatMs / Math.max(LEAST_WEIGHT, this.#shares.minima[rank]);
  }

  #leastOf(rank: PriorityRank, seats: number): number {
    return -seats * this.#shares.minima[rank] * MEMORY_MS;
  }

  #leastOfLower(seats: number): number {
    return -seats * (1 - this.#shares.cap) * MEMORY_MS;
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

/** What can be charged of an amount until a balance is as low as it may be. */
function chargeable(balance: number, amount: number, least: number): number {
  return Math.min(amount, Math.max(0, balance - least));
}

/** A waiting class earns its share; one that does not wait only pays its debt off, and keeps no credit. */
function credit(balance: number, earned: number, waits: boolean, seats: number): number {
  const next = balance + earned;
  return waits ? Math.min(next, seats * MEMORY_MS) : Math.min(next, 0);
}
