import { limitStepMs } from './limit-steps.js';

/** Transactions one after the other with the same limit after which the session takes it on, for one more message. */
const SAME_STEPS = 4;

/**
 * Whether a session had better stand under the limit of its transactions: to say it in every transaction costs a tenth
 * of a short one.
 */
export class StandingLimit {
  #lastStep = 0;
  #sameStep = 0;

  /**
   * A transaction begins under this limit.
   *
   * @returns Its step, where the session has it already or had better have it from now on.
   */
  next(limitMs: number, session: { hasLimit(step: number): boolean }): number | undefined {
    const step = limitStepMs(limitMs);
    this.#sameStep = step === this.#lastStep ? this.#sameStep + 1 : 1;
    this.#lastStep = step;
    return session.hasLimit(step) || this.#sameStep > SAME_STEPS ? step : undefined;
  }
}
