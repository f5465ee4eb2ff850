/** Who is lost again sooner than this after its return never was back, in ms. */
const SHORT_MS = 1_000;
/** The first calm that is asked for, in ms; twice as much after each further return that did not last. */
const FIRST_CALM_MS = 500;
/** The longest, in ms. */
const LONGEST_CALM_MS = 30_000;

/**
 * Whether what was away is back. The first good answer says so; but where that did not last, it has to answer well for
 * a time that grows with each such return, or all that depend on it would go to and fro with it.
 */
export class Comeback {
  #calmMs = 0;
  #backAtMs = Number.NEGATIVE_INFINITY;
  #goodSinceMs: number | undefined;

  /** It was there, and is away. */
  lost(nowMs: number): void {
    this.#goodSinceMs = undefined;
    const lastedMs = nowMs - this.#backAtMs;
    const short = lastedMs < Math.max(SHORT_MS, 2 * this.#calmMs);
    this.#calmMs = short ? Math.min(LONGEST_CALM_MS, Math.max(FIRST_CALM_MS, 2 * this.#calmMs)) : 0;
  }

  /** It is away, and did not answer well. */
  bad(): void {
    this.#goodSinceMs = undefined;
  }

  /** It is away, and answered well. True where that is enough. */
  good(nowMs: number): boolean {
    this.#goodSinceMs ??= nowMs;
    if (nowMs - this.#goodSinceMs < this.#calmMs) return false;
    this.#backAtMs = nowMs;
    return true;
  }
}
