import type { Archive } from './archive.js';
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
/**
 * A pool full of lower work frees a seat every `mean hold / seats`. Where that is less than this part of what the top
 * class holds a seat for, its wait for one does not show, and closed seats would only cost throughput.
 */
const UNFELT = 0.2;
/** From this part on the whole headroom is kept. */
const FELT = 0.5;

/** How many seats lower classes leave to the top class: fixed, or measured from what that class asks for. */
export class HeadroomGauge {
  readonly #fixed: number | undefined;
  readonly #arrivals = new ArrivalRate();
  #meanHoldMs = 0;
  #seats = 0;
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #takenFor = 0;
  #busySeats = 0;
  #busyAtMs = Number.NEGATIVE_INFINITY;

  constructor({ fixed, servesTopClass }: HeadroomOptions) {
    this.#fixed = servesTopClass ? fixed : 0;
  }

  /** A ticket of the top class arrived; its route holds a seat for so long on average. */
  noteArrival(nowMs: number, meanHoldMs: number): void {
    this.#arrivals.note(nowMs);
    this.#meanHoldMs = meanHoldMs;
  }

  /** Seats that the top class keeps busy on average, by Little's law; may be more than there are. */
  busySeats(nowMs: number): number {
    if (nowMs - this.#busyAtMs >= RENEW_MS) {
      this.#busyAtMs = nowMs;
      this.#busySeats = (this.#arrivals.perSecond(nowMs) * this.#meanHoldMs) / 1_000;
    }
    return this.#busySeats;
  }

  /**
   * The headroom of a pool of so many seats, at one instant.
   *
   * @param lowerHoldMs - How long the lower work that sits there now holds a seat on average, in ms; 0 where nothing
   *   is known, which keeps the whole headroom.
   */
  seats(nowMs: number, poolSeats: number, lowerHoldMs: number = 0): number {
    // Of the seats in force, which may be fewer than those that it was set for: nobody is shut out for good.
    if (this.#fixed !== undefined) return Math.max(0, Math.min(this.#fixed, poolSeats - 1));
    if (nowMs - this.#takenAtMs >= RENEW_MS || this.#takenFor !== poolSeats) {
      this.#takenAtMs = nowMs;
      this.#takenFor = poolSeats;
      this.#seats = headroomSeats(this.#arrivals.perSecond(nowMs), this.#meanHoldMs, poolSeats);
    }
    if (lowerHoldMs === 0 || this.#meanHoldMs === 0) return this.#seats;
    const felt = lowerHoldMs / (poolSeats * this.#meanHoldMs);
    return felt >= FELT ? this.#seats : Math.ceil((this.#seats * Math.max(0, felt - UNFELT)) / (FELT - UNFELT));
  }

  /** Carries its state; see {@link Archive}. */
  archive(io: Archive): void {
    this.#arrivals.archive(io);
    this.#meanHoldMs = io.number(this.#meanHoldMs);
    this.#seats = io.number(this.#seats);
    this.#takenAtMs = io.number(this.#takenAtMs);
    this.#takenFor = io.number(this.#takenFor);
    this.#busySeats = io.number(this.#busySeats);
    this.#busyAtMs = io.number(this.#busyAtMs);
  }
}
