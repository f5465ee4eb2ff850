import { PRIORITY_RANKS, type PriorityRank } from '../core/priority.js';

/** Guarantees are judged by the second. */
const SLICE_MS = 1_000;

type PerClass = [number, number, number, number];

/**
 * What each class has of the seats in those seconds in which it always waits. Seat time is counted as it passes, so a
 * long lease of one second counts in each of the seconds that it touches.
 */
export class ShareMeter {
  readonly #inFlight: PerClass = [0, 0, 0, 0];
  readonly #queued: PerClass = [0, 0, 0, 0];
  readonly #seatMs: PerClass = [0, 0, 0, 0];
  readonly #alwaysWaits: [boolean, boolean, boolean, boolean] = [false, false, false, false];
  readonly #seconds: PerClass = [0, 0, 0, 0];
  readonly #total: PerClass = [0, 0, 0, 0];
  readonly #least: PerClass = [Infinity, Infinity, Infinity, Infinity];
  readonly #fromMs: number;
  #untilMs = Number.POSITIVE_INFINITY;
  #atMs = 0;
  #sliceEndMs = SLICE_MS;

  constructor(fromMs = 0) {
    this.#fromMs = fromMs;
  }

  /** Nothing counts from here on. */
  stop(nowMs: number): void {
    this.advance(nowMs);
    this.#untilMs = Math.min(this.#untilMs, nowMs);
  }

  /** So many seats more, or less, are in use. */
  lease(nowMs: number, rank: PriorityRank, seats: number): void {
    this.advance(nowMs);
    this.#inFlight[rank] += seats;
  }

  /** One ticket more, or less, waits. */
  queue(nowMs: number, rank: PriorityRank, change: 1 | -1): void {
    this.advance(nowMs);
    this.#queued[rank] += change;
    if (this.#queued[rank] === 0) this.#alwaysWaits[rank] = false;
  }

  /** Brings the meter to an instant. */
  advance(nowMs: number): void {
    while (nowMs >= this.#sliceEndMs) {
      this.#pass(this.#sliceEndMs);
      this.#closeSlice();
    }
    this.#pass(nowMs);
  }

  /** What a class had, of so many seats; `undefined` when it never waited for a whole second. */
  report(rank: PriorityRank, seats: number): { seconds: number; least: number; mean: number } | undefined {
    const seconds = this.#seconds[rank];
    if (seconds === 0) return undefined;
    const whole = seats * SLICE_MS;
    return { seconds, least: this.#least[rank] / whole, mean: this.#total[rank] / seconds / whole };
  }

  #pass(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    this.#atMs = nowMs;
    for (const rank of PRIORITY_RANKS) this.#seatMs[rank] += this.#inFlight[rank] * elapsedMs;
  }

  #closeSlice(): void {
    const counts = this.#sliceEndMs > this.#fromMs + SLICE_MS && this.#sliceEndMs <= this.#untilMs;
    for (const rank of PRIORITY_RANKS) {
      if (counts && this.#alwaysWaits[rank]) {
        this.#seconds[rank]++;
        this.#total[rank] += this.#seatMs[rank];
        this.#least[rank] = Math.min(this.#least[rank], this.#seatMs[rank]);
      }
      this.#seatMs[rank] = 0;
      this.#alwaysWaits[rank] = this.#queued[rank] > 0;
    }
    this.#sliceEndMs += SLICE_MS;
  }
}
