import type { Outcome } from '../errors.js';

/** What can be told at any instant about the effects of a request's work: only the database's can be known. */
export class WorkOutcome {
  #started = false;
  #mayHaveCommitted = false;
  #commitsUnderWay = 0;
  #elsewhere = false;

  /**
   * `unknown` from the moment something that commits is sent, unless the server answers that it failed, and once other
   * work was begun of which nobody here hears.
   */
  get outcome(): Outcome {
    if (this.#elsewhere || this.#mayHaveCommitted || this.#commitsUnderWay > 0) return 'unknown';
    return this.#started ? 'rolled_back' : 'not_started';
  }

  /**
   * A statement is sent; {@link ended} follows exactly once.
   *
   * @param commits - Whether it commits: a COMMIT, or a writing statement outside a transaction.
   */
  begin(commits: boolean): void {
    this.#started = true;
    if (commits) this.#commitsUnderWay++;
  }

  /** Something else than the database was asked to do something. */
  wentElsewhere(): void {
    this.#elsewhere = true;
  }

  /** What came before in the transaction was committed without a COMMIT. */
  committedByTheWay(): void {
    this.#mayHaveCommitted = true;
  }

  /**
   * @param commits - As with {@link begin}.
   * @param mayHaveTaken - Whether it may have taken effect. An error that is an answer of the server, and a COMMIT that
   *   is answered with a rollback, say that it has not; silence says nothing.
   */
  ended(commits: boolean, mayHaveTaken: boolean): void {
    if (!commits) return;
    this.#commitsUnderWay--;
    if (mayHaveTaken) this.#mayHaveCommitted = true;
  }
}
