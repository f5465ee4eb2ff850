import { AdaptiveLimit } from '../core/adaptive-limit.js';
import type { Ending } from './call.js';
import type { SeatPolicy } from './settings.js';

/** How often the limit is brought up to date, as in the gateway. */
export const TUNING_MS = 100;

/** What an ending tells about the server. */
const ENDINGS = {
  good: 'done',
  late: 'strained',
  left: 'other',
  lost: 'other',
  shed: 'other',
} as const satisfies Record<Ending, 'done' | 'strained' | 'other'>;

/** The adaptive concurrency limit of a simulated pool: the gateway's own calls to the code of the product. */
export class PoolTuner {
  readonly #policy: SeatPolicy;
  readonly #adaptive: AdaptiveLimit;
  readonly #seats: number;

  constructor(policy: SeatPolicy, seats: number, minSeats: number) {
    this.#policy = policy;
    this.#seats = seats;
    this.#adaptive = new AdaptiveLimit(0, { seats, minSeats: Math.min(minSeats, seats) });
  }

  /** A request ended and is about to free its seat. */
  ended(nowMs: number, route: string, heldMs: number, ending: Ending): void {
    if (this.#policy.outage?.down !== true) this.#adaptive.ended(nowMs, route, heldMs, ENDINGS[ending], this.#use);
  }

  /** Brings the limit up to date. True when seats may have become free. */
  control(nowMs: number): boolean {
    if (this.#policy.outage?.down === true) this.#adaptive.pause(nowMs);
    else this.#adaptive.control(nowMs, this.#use);
    const before = this.#use.seats;
    const { limit } = this.#adaptive;
    if (limit !== before) this.#policy.resize(nowMs, limit);
    return limit > before;
  }

  get #use(): { readonly seats: number; readonly inFlight: number } {
    return { seats: this.#policy.seats ?? this.#seats, inFlight: this.#policy.inFlight };
  }
}
