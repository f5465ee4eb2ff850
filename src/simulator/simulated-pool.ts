import { PRIORITY_RANKS } from '../core/priority.js';
import type { Call } from './call.js';
import { PoolTroubles } from './pool-troubles.js';
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
  readonly troubles: PoolTroubles;
  longestQueue = 0;

  constructor(settings: PoolSettings, policy: SeatPolicy) {
    this.name = settings.name;
    this.settings = settings;
    this.policy = policy;
    this.troubles = new PoolTroubles(settings.seats);
    this.tuner =
      settings.adaptiveFrom === undefined ? undefined : new PoolTuner(policy, settings.seats, settings.adaptiveFrom);
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

/** What a class had of the seats in those seconds in which it always waited. */
export interface ClassShare {
  readonly seconds: number;
  readonly least: number;
  readonly mean: number;
}
