/** Work that the end of the process can end. */
interface Endable {
  drained(nowMs: number): void;
}

/** Work outside HTTP whose caller waits: what of it a drain has not seen end is stopped, and its caller told. */
export class OpenRuns {
  readonly #works = new Set<Endable>();

  /** Holds it while its caller waits for `result`. */
  async during<T>(work: Endable, result: Promise<T>): Promise<T> {
    this.#works.add(work);
    try {
      return await result;
    } finally {
      this.#works.delete(work);
    }
  }

  /** Nothing is waited for any longer. */
  endWork(nowMs: number): void {
    for (const work of this.#works) work.drained(nowMs);
  }
}
