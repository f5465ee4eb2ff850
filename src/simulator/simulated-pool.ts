import { PRIORITY_RANKS } from '../core/priority.js';
import type { Call } from './call.js';
import { PoolTuner } from './pool-tuner.js';
import type { PoolSettings, SeatPolicy } from './settings.js';
import { ShareMeter } from './share-meter.js';

/** A pool in a simulation: who decides about its seats, what runs on them, and how fast. */
export class SimulatedPool {
  readonly name: string;
  readonly settings: PoolSettings;
  readonly policy: SeatPolicy;
  /** Who holds a seat, for an outage that ends them all. */
  readonly running: Set<Call> = new Set();
  readonly shares: ShareMeter = new ShareMeter();
  /** Absent where the limit does not adapt. */
  readonly tuner: PoolTuner | undefined;
  longestQueue = 0;
  #slowdown: Slowdown | undefined;
  #stillFromMs = Number.POSITIVE_INFINITY;
  #stillUntilMs = Number.NEGATIVE_INFINITY;

  constructor(settings: PoolSettings, policy: SeatPolicy) {
    this.name = settings.name;
    this.settings = settings;
    this.policy = policy;
    this.tuner =
      settings.adaptiveFrom === undefined ? undefined : new PoolTuner(policy, settings.seats, settings.adaptiveFrom);
  }

  /** Work that starts takes so many times longer, changing evenly between two instants. */
  slowDown(slowdown: Slowdown | undefined): void {
    this.#slowdown = slowdown;
  }

  /** How many times longer than alone work takes that starts now. */
  slowness(nowMs: number): number {
    const slowdown = this.#slowdown;
    if (slowdown === undefined) return 1;
    const part = Math.min(1, Math.max(0, (nowMs - slowdown.atMs) / slowdown.forMs));
    return slowdown.factor + (slowdown.toFactor - slowdown.factor) * part;
  }

  /** No work gets on between two instants. */
  standStill(fromMs: number, untilMs: number): void {
    this.#stillFromMs = fromMs;
    this.#stillUntilMs = untilMs;
  }

  /** For how long work between two instants got no further, or will not. */
  heldUpMs(fromMs: number, toMs: number): number {
    if (toMs <= this.#stillFromMs || fromMs >= this.#stillUntilMs) return 0;
    return this.#stillUntilMs - Math.max(fromMs, this.#stillFromMs);
  }

  /** Somebody was queued. */
  noteQueue(nowMs: number, call: Call): void {
    this.longestQueue = Math.max(this.longestQueue, this.policy.queued);
    this.shares.queue(nowMs, call.route.rank, 1);
  }

  /** The least and the mean share of the seats that each class had while it waited all of a second. */
  shareReport(): readonly (ClassShare | undefined)[] {
    return PRIORITY_RANKS.map((rank) => this.shares.report(rank, this.settings.seats));
  }
}

/** How much slower a server is, and how that changes. */
export interface Slowdown {
  readonly atMs: number;
  readonly forMs: number;
  readonly factor: number;
  readonly toFactor: number;
}

/** What a class had of the seats in those seconds in which it always waited. */
export interface ClassShare {
  readonly seconds: number;
  readonly least: number;
  readonly mean: number;
}
