/** Since when fewer than half of some seats were in use, as far as anybody looked. */
export class Calm {
  #sinceMs = Number.NEGATIVE_INFINITY;

  /**
   * Looks: at the end of every request, before its seat is free. The number in use grows between two ends and never
   * falls, so the first end after a peak sees the whole peak, and nothing is missed. One request alone is always calm.
   */
  look(nowMs: number, inFlight: number, seats: number): void {
    if (inFlight > 1 && inFlight * 2 >= seats) this.#sinceMs = nowMs;
  }

  /** Whether it was calm for all of the last `ms` milliseconds. */
  lasted(nowMs: number, ms: number): boolean {
    return nowMs - ms >= this.#sinceMs;
  }
}
