/** Stalls that are remembered: more than fall into any request, unless the process does nothing but stall. */
const KEPT = 32;

/**
 * The stalls of the event loop, as far as they matter to what is measured: an answer that came while the loop stood
 * still is seen late, and the lateness is not the database's. Bounded; forgets the oldest.
 */
export class Stalls {
  readonly #endedAtMs: Float64Array = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY);
  readonly #lastedMs: Float64Array = new Float64Array(KEPT);
  #next = 0;

  /** The loop has stood still for so long, until now. */
  note(nowMs: number, lastedMs: number): void {
    this.#endedAtMs[this.#next] = nowMs;
    this.#lastedMs[this.#next] = lastedMs;
    this.#next = (this.#next + 1) % KEPT;
  }

  /**
   * Of the time from one instant to another, how much nobody looked, in milliseconds. What is measured across it took so
   * much less, perhaps, and never less than nothing.
   */
  within(fromMs: number, toMs: number): number {
    let sumMs = 0;
    for (let back = 1; back <= KEPT; back++) {
      const at = (this.#next - back + KEPT) % KEPT;
      const endedAtMs = this.#endedAtMs[at] ?? Number.NEGATIVE_INFINITY;
      // Stalls are noted in order: what is older ended earlier.
      if (endedAtMs <= fromMs) break;
      const startedAtMs = endedAtMs - (this.#lastedMs[at] ?? 0);
      sumMs += Math.max(0, Math.min(endedAtMs, toMs) - Math.max(startedAtMs, fromMs));
    }
    return sumMs;
  }
}
