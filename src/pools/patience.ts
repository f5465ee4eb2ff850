/** How long borrowers wait for sessions that are being cleaned or asked, before others are opened for them. */
const BETWEEN_MS = 10;
/** The part of a connect that borrowers of a surge wait for sessions in use to come back. */
const SURGE_SHARE = 0.25;
const LONGEST_SURGE_MS = 40;
/** A line of borrowers after so long without any is a surge; one that keeps coming back is a need. */
const CALM_MS = 1_000;

/** The sessions on which borrowers could be served soon. */
export interface PresentSessions {
  readonly size: number;
  /** On their way back from their last borrower. */
  readonly between: number;
}

/**
 * How many of the borrowers in line need a session of their own. A connect costs the server more than the work it is
 * for, and takes longer than most; so at first borrowers are left to the sessions that are there.
 */
export class Patience {
  #betweenUntilMs = Number.NEGATIVE_INFINITY;
  #surgeUntilMs = Number.NEGATIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  /**
   * A borrower has joined the line, which now has `waiting`.
   *
   * @param connectMs - What a connect takes, of late.
   */
  waits(nowMs: number, waiting: number, connectMs: number): void {
    if (waiting === 1) {
      this.#betweenUntilMs = nowMs + BETWEEN_MS;
      if (nowMs - this.#lastMs > CALM_MS) {
        this.#surgeUntilMs = nowMs + Math.min(LONGEST_SURGE_MS, connectMs * SURGE_SHARE);
      }
    }
    this.#lastMs = nowMs;
  }

  /** Of `waiting` borrowers, those that the present sessions cannot be left to help. */
  helpless(nowMs: number, waiting: number, { size, between }: PresentSessions): number {
    if (size > 0 && nowMs < this.#surgeUntilMs) return 0;
    return Math.max(0, waiting - (nowMs < this.#betweenUntilMs ? between : 0));
  }

  /** When {@link helpless} may next say more by the mere passing of time. */
  endsAtMs(nowMs: number): number {
    return nowMs < this.#surgeUntilMs ? this.#surgeUntilMs : this.#betweenUntilMs;
  }
}
