import type { LoopLag } from '../admission/loop-lag.js';

/**
 * How long the work of a request would have held its seat: its real time from admission on, without the waits that
 * belong to the queue rather than to the service. In mode `observe` everybody waits for a connection in line, and
 * nobody gives a seat up around other waits.
 */
export class ShadowService {
  readonly #lag: Pick<LoopLag, 'stalledMs'>;
  #startedAtMs = 0;
  /** Since when it has been served without a break, and how long nobody looked before that while it was. */
  #servedSinceMs = 0;
  #stalledMs = 0;
  #pausedMs = 0;
  #pausedSinceMs = 0;
  #pauses = 0;

  constructor(lag: Pick<LoopLag, 'stalledMs'>) {
    this.#lag = lag;
  }

  /** The request starts. */
  start(nowMs: number): void {
    this.#startedAtMs = nowMs;
    this.#servedSinceMs = nowMs;
  }

  /** A wait begins; waits may overlap, and each is ended by {@link resume}. */
  pause(nowMs: number): void {
    if (this.#pauses++ > 0) return;
    this.#stalledMs += this.#lag.stalledMs(this.#servedSinceMs, nowMs);
    this.#pausedSinceMs = nowMs;
  }

  resume(nowMs: number): void {
    if (--this.#pauses > 0) return;
    this.#pausedMs += nowMs - this.#pausedSinceMs;
    this.#servedSinceMs = nowMs;
  }

  /** For how long it has waited, in milliseconds. */
  waitedMs(nowMs: number): number {
    return this.#pausedMs + (this.#pauses > 0 ? nowMs - this.#pausedSinceMs : 0);
  }

  /** For how long it was served, in milliseconds. */
  servedMs(nowMs: number): number {
    return nowMs - this.#startedAtMs - this.waitedMs(nowMs);
  }

  /**
   * For how much of that the event loop stood still, in milliseconds: nobody could have seen its end meanwhile. What
   * stalled while it waited made no service longer.
   */
  stalledMs(nowMs: number): number {
    return this.#stalledMs + (this.#pauses > 0 ? 0 : this.#lag.stalledMs(this.#servedSinceMs, nowMs));
  }

  /**
   * The instant from which the real work is behind a shadow that got its seat at `leasedAtMs`, by more than `slackMs`:
   * then the shadow has been served for longer than the work, and nobody knows yet when it is done. `Infinity` while
   * that is not in sight.
   */
  behindAtMs(nowMs: number, leasedAtMs: number, slackMs: number): number {
    const leadMs = leasedAtMs + slackMs - this.#startedAtMs - this.waitedMs(nowMs);
    if (leadMs < 0) return nowMs;
    return this.#pauses > 0 ? nowMs + leadMs : Number.POSITIVE_INFINITY;
  }
}
