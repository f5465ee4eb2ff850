import type { ClassDemand } from '../core/class-demand.js';
import type { PriorityRank } from '../core/priority.js';
import { type IllReason, Ramp, type RampSettings } from '../core/ramp.js';

/** Bounds the lease of a call without a deadline: half-open must end whatever happens to it. */
const LONGEST_LEASE_MS = 30_000;
/** How long a request that was let through may take to its first statement before its place is given to another. */
const RESERVED_MS = 100;
/**
 * A less important class leaves the place of the probe to a more important one that has asked for it, for so many reset
 * times: more than one, for what asked while the circuit was open is to count.
 */
const PATIENCE = 2;
/** While the share is small, one call at a time goes through beside it, as often as this in a step. */
const FLOOR_PER_STEP = 10;

/** How a half-open circuit lets calls through. */
export interface HalfOpenSettings extends RampSettings {
  /** How long the circuit was open, in milliseconds, before its spread. */
  readonly resetMs: number;
}

/**
 * A half-open circuit: one probe at a time until one has succeeded, then a ramp.
 *
 * The probe is a request of the most important class that asks, because its answer is worth most; a class that asks and
 * proves nothing keeps the others waiting for two reset times and no longer. The place is a lease: a call that never ends
 * loses it.
 *
 * During the ramp the more important classes go first, and one call at a time goes through beside the share, so that a
 * pool with little traffic finds its way back as well.
 */
export class HalfOpen {
  readonly state = 'half_open';
  readonly sinceMs: number;
  readonly #settings: HalfOpenSettings;
  readonly #demand: ClassDemand;
  #ramp: Ramp | undefined;
  /** The call in the place of the probe, and until when. */
  #holder: object | undefined;
  #heldUntilMs = 0;
  /** The class for which the place is kept until the request that was let through comes to its database work. */
  #reservedFor: PriorityRank = 3;
  #reservedUntilMs = Number.NEGATIVE_INFINITY;
  #heardAtMs: number;
  #floorUsedAtMs = Number.NEGATIVE_INFINITY;
  /** What each class has saved up towards its next request, in requests. */
  readonly #credit: [number, number, number, number] = [0, 0, 0, 0];

  constructor(settings: HalfOpenSettings, demand: ClassDemand, nowMs: number) {
    this.#settings = settings;
    this.#demand = demand;
    this.sinceMs = nowMs;
    this.#heardAtMs = nowMs;
  }

  /** The share of the demand that is let through, 0 to 1; 0 while it is probed. */
  get share(): number {
    return this.#ramp?.share ?? 0;
  }

  /** No call has succeeded yet. */
  get probing(): boolean {
    return this.#ramp === undefined;
  }

  /** Whether a request, already counted as demand, is let through. It uses up the place or the credit that it takes. */
  admits(nowMs: number, rank: PriorityRank): boolean {
    this.#ramp?.turn(nowMs);
    if (this.share > 0 && this.#takeCredit(nowMs, rank)) return true;
    if (!this.#floorOpen(nowMs) || nowMs < this.#reservedUntilMs || !this.#isTurnOf(nowMs, rank)) return false;
    this.#reservedFor = rank;
    this.#reservedUntilMs = nowMs + RESERVED_MS;
    this.#floorUsedAtMs = nowMs;
    return true;
  }

  /** Whether a call may enter: a probe into the place of the probe, and during the ramp every one. */
  lets(nowMs: number, rank: PriorityRank): boolean {
    if (!this.probing) return true;
    if (this.#held(nowMs)) return false;
    return nowMs < this.#reservedUntilMs ? rank <= this.#reservedFor : this.#isTurnOf(nowMs, rank);
  }

  enter(nowMs: number, call: object, leaseUntilMs: number): void {
    this.#reservedUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#held(nowMs)) return;
    this.#holder = call;
    this.#heldUntilMs = Math.min(leaseUntilMs, nowMs + LONGEST_LEASE_MS);
  }

  /** A call has ended, or never came to the database. False when it has lost its place and is not heard. */
  leave(call: object): boolean {
    const held = this.#holder === call;
    if (held) this.#holder = undefined;
    return held || !this.probing;
  }

  /** Counts a call that went well, or not. The first good one begins the ramp. */
  settle(nowMs: number, enteredAtMs: number, bad: IllReason | undefined): void {
    this.#heardAtMs = nowMs;
    if (this.#ramp !== undefined) this.#ramp.settle(nowMs, enteredAtMs, bad);
    else if (bad === undefined) this.#ramp = new Ramp(this.#settings, nowMs);
  }

  /** How long until asking is worth another try, in milliseconds; 0 when it is now. */
  retryAfterMs(nowMs: number, rank: PriorityRank): number {
    const { resetMs } = this.#settings;
    if (this.#ramp !== undefined) {
      return this.#ramp.msUntil(nowMs, this.#demand.shareFor(nowMs, rank));
    }
    if (this.#held(nowMs)) return Math.min(this.#heldUntilMs - nowMs, resetMs);
    if (nowMs < this.#reservedUntilMs) return this.#reservedUntilMs - nowMs;
    return this.#isTurnOf(nowMs, rank) ? 0 : resetMs;
  }

  #held(nowMs: number): boolean {
    return this.#holder !== undefined && nowMs < this.#heldUntilMs;
  }

  #floorOpen(nowMs: number): boolean {
    if (this.#held(nowMs)) return false;
    return this.probing || nowMs - this.#floorUsedAtMs >= this.#settings.stepMs / FLOOR_PER_STEP;
  }

  /** No more important class wants the place, or those that want it do not move. */
  #isTurnOf(nowMs: number, rank: PriorityRank): boolean {
    const patienceMs = PATIENCE * this.#settings.resetMs;
    if (nowMs - this.#heardAtMs >= patienceMs) return true;
    return this.#demand.sinceMoreImportantMs(nowMs, rank, this.share) >= patienceMs;
  }

  /** A class of which a third fits gets every third request through: no chance, so that a trace can be told again. */
  #takeCredit(nowMs: number, rank: PriorityRank): boolean {
    const credit = this.#credit[rank] + this.#demand.part(nowMs, rank, this.share);
    this.#credit[rank] = credit >= 1 ? credit - 1 : credit;
    return credit >= 1;
  }
}
