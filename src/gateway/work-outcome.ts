import type { Outcome } from '../errors.js';

/** What can be told at any instant about the effects of a request's database work. */
export class WorkOutcome {
  #started = false;
  #mayHaveCommitted = false;
  #commitsUnderWay = 0;

  /** `unknown` from the moment something that commits is sent, unless the server answers that it failed. */
  get outcome(): Outcome {
    if (this.#mayHaveCommitted || this.#commitsUnderWay > 0) return 'unknown';
    return this.#started ? 'rolled_back' : 'not_started';
  }

  /** Runs a statement that commits nothing by itself. */
  async uncommitted<T>(send: () => Promise<T>): Promise<T> {
    this.#started = true;
    return await send();
  }

  /**
   * Runs something that commits: a COMMIT, or a writing statement outside a transaction.
   *
   * @param answered - Whether an error is an answer of the server: then nothing was committed. Silence tells nothing.
   * @param took - Whether a result means that it took effect; a COMMIT can be answered with a rollback.
   */
  async committing<T>(
    send: () => Promise<T>,
    answered: (error: unknown) => boolean,
    took: (result: T) => boolean = () => true,
  ): Promise<T> {
    this.#started = true;
    this.#commitsUnderWay++;
    try {
      const result = await send();
      if (took(result)) this.#mayHaveCommitted = true;
      return result;
    } catch (error) {
      if (!answered(error)) this.#mayHaveCommitted = true;
      throw error;
    } finally {
      this.#commitsUnderWay--;
    }
  }
}
