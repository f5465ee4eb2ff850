const MOST_TEXTS = 512;
const LONGEST_TEXT = 4_096;

/** Remembers what was read off the texts seen last, so that the statements of a hot path are read once. */
export class TextMemo<Reading> {
  readonly #read: (text: string) => Reading;
  readonly #known = new Map<string, Reading>();

  /** @param read - Tells the same of the same text each time, and never `undefined`. */
  constructor(read: (text: string) => Reading) {
    this.#read = read;
  }

  of(text: string): Reading {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const reading = this.#read(text);
    if (text.length <= LONGEST_TEXT) {
      // Starting over is enough: an application that builds texts without end gains nothing from any order.
      if (this.#known.size >= MOST_TEXTS) this.#known.clear();
      this.#known.set(text, reading);
    }
    return reading;
  }
}
