import { NO_SLOT, RECORD_BYTES, RecordTable } from './decision-record.js';

/** Parts of a ring: what is oldest is given up one part at a time. */
const SEGMENTS = 8;
/** A smaller ring would do little else than begin segments. */
const LEAST_RECORDS = 1_024;

const FLOATS = RECORD_BYTES / 8;
const WORDS = RECORD_BYTES / 4;

/**
 * The last records, in memory that is allocated once: 48 bytes each. Writing one allocates nothing. The ring is a few
 * segments, so that what is left always begins where one does.
 */
export class DecisionRing {
  /** Records of one segment. */
  readonly perSegment: number;
  readonly #segments: readonly RecordTable[];
  readonly #onSegment: (segment: number) => void;
  #floats: Float64Array;
  #words: Uint32Array;
  #place = 0;
  #segment = 0;

  /**
   * @param records - How many are kept at least seven eighths of; at least 1,024.
   * @param onSegment - Called when the first record of a segment, but the very first, is written.
   */
  constructor(records: number, onSegment: (segment: number) => void) {
    this.perSegment = Math.ceil(Math.max(LEAST_RECORDS, records) / SEGMENTS);
    this.#onSegment = onSegment;
    this.#segments = Array.from(
      { length: SEGMENTS },
      () => new RecordTable(new ArrayBuffer(this.perSegment * RECORD_BYTES)),
    );
    const [first] = this.#segments as readonly [RecordTable];
    this.#floats = first.floats;
    this.#words = first.words;
  }

  /** Records written so far, those included that are gone. */
  get written(): number {
    return this.#segment * this.perSegment + this.#place;
  }

  /** The number of the segment that is written now, counted from 0. */
  get segment(): number {
    return this.#segment;
  }

  /** The number of the oldest segment that is still there. */
  get oldestSegment(): number {
    return Math.max(0, this.#segment - SEGMENTS + 1);
  }

  /** Writes a record; see `DecisionRecord`. Call it after what it tells has happened. */
  put(
    head: number,
    atMs: number,
    slot: number = NO_SLOT,
    first: number = 0,
    second: number = 0,
    amount: number = 0,
    keyHigh: number = 0,
    keyLow: number = 0,
  ): void {
    if (this.#place === this.perSegment) this.#begin();
    const float = this.#place * FLOATS;
    const word = this.#place * WORDS + 8;
    const floats = this.#floats;
    const words = this.#words;
    floats[float] = atMs;
    floats[float + 1] = first;
    floats[float + 2] = second;
    floats[float + 3] = amount;
    words[word] = head;
    words[word + 1] = slot;
    words[word + 2] = keyHigh;
    words[word + 3] = keyLow;
    this.#place++;
    if (this.#place === 1 && this.#segment > 0) this.#onSegment(this.#segment);
  }

  /** A copy of the records from a segment that is still there up to now. */
  copyFrom(segment: number): Uint8Array {
    const first = segment * this.perSegment;
    const copy = new Uint8Array((this.written - first) * RECORD_BYTES);
    for (let number = segment; number <= this.#segment; number++) {
      const table = this.#segments[number % SEGMENTS];
      const bytes = number === this.#segment ? this.#place * RECORD_BYTES : this.perSegment * RECORD_BYTES;
      const at = (number - segment) * this.perSegment * RECORD_BYTES;
      if (table !== undefined) copy.set(new Uint8Array(table.words.buffer, 0, bytes), at);
    }
    return copy;
  }

  #begin(): void {
    this.#segment++;
    this.#place = 0;
    const table = this.#segments[this.#segment % SEGMENTS];
    if (table === undefined) return;
    this.#floats = table.floats;
    this.#words = table.words;
  }
}
