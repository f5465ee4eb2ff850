import { ArrivalRate } from './arrival-rate.js';
import { headroomSeats } from './headroom.js';

/** How a {@link HeadroomGauge} is set. */
export interface HeadroomOptions {
  /** A fixed number of seats instead of a measured one. */
  readonly fixed: number | undefined;
  /** Without a route of the top class there is nothing to leave seats for. */
  readonly servesTopClass: boolean;
}

/** The headroom follows the arrivals of the top class this closely. */
const RENEW_MS = 100;

/** How many seats lower classes leave to the top class: fixed, or measured from what that class asks for. */
export class HeadroomGauge {
  readonly #fixed: number | undefined;
  readonly #arrivals = new ArrivalRate();
  #meanHoldMs = 0;
  #seats = 0;
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #takenFor = 0;

  constructor({ fixed, servesTopClass }: HeadroomOptions) {
    this.#fixed = servesTopClass ? fixed : 0;
  }

  /** A ticket of the top class arrived; its route holds a seat for so long on average. */
  noteArrival(nowMs: number, meanHoldMs: number): void {
    this.#arrivals.note(nowMs);
    this.#meanHoldMs = meanHoldMs;
  }

  /** The headroom of a pool of so many seats, at one instant. */
  seats(nowMs: number, poolSeats: number): number {
    if (this.#fixed !== undefined) return Math.min(this.#fixed, poolSeats);
    if (nowMs - this.#takenAtMs >= RENEW_MS || this.#takenFor !== poolSeats) {
      this.#takenAtMs = nowMs;
      this.#takenFor = poolSeats;
      this.#seats = headroomSeats(this.#arrivals.perSecond(nowMs), this.#meanHoldMs, poolSeats);
    }
    return this.#seats;
  }
}
