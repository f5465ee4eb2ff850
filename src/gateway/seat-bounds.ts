import type { Gate } from '../admission/gate.js';

/** What may lower the number of seats. */
export type SeatBound = 'granted' | 'tuning';

/** Brings together everything that lowers the number of seats of a pool: the smallest bound is in force. */
export class SeatBounds {
  readonly #gate: Gate;
  readonly #bounds: Record<SeatBound, number>;

  /** @param seats - Their number while nothing lowers it. */
  constructor(gate: Gate, seats: number) {
    this.#gate = gate;
    this.#bounds = { granted: seats, tuning: seats };
  }

  set(nowMs: number, bound: SeatBound, seats: number): void {
    this.#bounds[bound] = seats;
    const limit = Math.min(this.#bounds.granted, this.#bounds.tuning);
    const before = this.#gate.bulkhead.seats;
    if (limit === before) return;
    this.#gate.bulkhead.resize(nowMs, limit);
    if (limit > before) this.#gate.handOut(nowMs);
  }
}
