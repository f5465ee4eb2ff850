/** An answer that may still be on its way to its reader. */
export interface OpenAnswer {
  /** Whether somebody can still get more of it. */
  readonly onItsWay: boolean;
}

/**
 * The answers that are not wholly with their readers yet. They hold no seat, but a drain waits for them: Node takes a
 * connection for idle as soon as its answer has ended, and `server.close()` would cut it off.
 */
export class OpenAnswers {
  readonly #answers = new Set<OpenAnswer>();

  add(answer: OpenAnswer): void {
    this.#answers.add(answer);
  }

  remove(answer: OpenAnswer): void {
    this.#answers.delete(answer);
  }

  /** Whether nobody waits for the rest of an answer. */
  get none(): boolean {
    for (const answer of this.#answers) if (answer.onItsWay) return false;
    return true;
  }
}
