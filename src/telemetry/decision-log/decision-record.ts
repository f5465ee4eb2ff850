import { ERROR_CODES, type ErrorCode } from '../../errors.js';

/**
 * What a record tells. Those marked "decides" carry what came of it; a replay decides again and compares. All others
 * are what the policy was told.
 */
export const RECORD_KINDS = [
  /** Never written: a record that is all zeros is none. */
  'none',
  /** A ticket was judged before its body. Decides. */
  'preflight',
  /** A ticket asked for a seat. Decides. */
  'arrive',
  /** Somebody's waiting was to end: whose, and how. Decides. */
  'next',
  'release',
  /** Some seats came back before the others. */
  'giveBack',
  /** A ticket that gave its seat up asked for another. Decides. */
  'comeBack',
  'withdraw',
  /** A ticket that gave its seat up ended without another. */
  'forget',
  'resize',
  'outage',
  'recovery',
  /** Somebody read the headroom, or the wait that a ticket would have: reading measures anew. */
  'headroom',
  'predict',
  /** How long a request held its seat. */
  'sample',
  /** Somebody outside the policy read an estimate that was worked out anew for it. */
  'settle',
  /** Tokens were asked for. Decides. */
  'take',
  'refund',
  /** A request was refused before its body, by whatever judges there: the circuit, the event loop, the queue. */
  'turnAway',
] as const;

/** See {@link RECORD_KINDS}. */
export type RecordKind = (typeof RECORD_KINDS)[number];

/** The number of each kind, as it is written. */
export const KIND: Readonly<Record<RecordKind, number>> = Object.fromEntries(
  RECORD_KINDS.map((kind, place) => [kind, place]),
) as Record<RecordKind, number>;

/** Bytes of a record: four doubles, four 32-bit words. */
export const RECORD_BYTES = 48;
/** Stands for "no ticket". */
export const NO_SLOT = 0xffff_ffff;
/** Routes, and pools, that a log can tell apart. */
export const MAX_SOURCES = 1_048_576;

/** What came of a decision: queued (or nothing), leased, or the code of a refusal. */
export const PASSED = 0;
export const LEASED = 1;
const REFUSED = 2;

/** The number of each refusal, as it is written. */
const NUMBER_OF: Readonly<Record<ErrorCode, number>> = Object.fromEntries(
  ERROR_CODES.map((code, place) => [code, place + REFUSED]),
) as Record<ErrorCode, number>;

/** The number of a decision to refuse. */
export function refusedAs(code: ErrorCode): number {
  return NUMBER_OF[code];
}

/** The code of a decision to refuse; `undefined` for a decision to let pass, wait or seat. */
export function codeOf(decision: number): ErrorCode | undefined {
  return ERROR_CODES[decision - REFUSED];
}

/** The first word of a record: its kind, the class, the decision, and the route or the pool that it is about. */
export function headOf(kind: number, source: number, rank: number = 0, decision: number = 0): number {
  return (kind | (rank << 5) | (decision << 7) | (source << 12)) >>> 0;
}

/** One record, read back. */
export interface DecisionRecord {
  readonly kind: RecordKind;
  /** The route, or the pool, by its place in the settings. */
  readonly source: number;
  readonly rank: number;
  readonly decision: number;
  /** The ticket, by its place among those in flight and queued; {@link NO_SLOT} for none. */
  readonly slot: number;
  readonly atMs: number;
  /** The arrival of a ticket, or the hold of a sample. */
  readonly first: number;
  /** The deadline of a ticket. */
  readonly second: number;
  /** Seats or tokens. */
  readonly amount: number;
  /** The caller or the tenant, hashed; both 0 for none. */
  readonly keyHigh: number;
  readonly keyLow: number;
}

/** Records as they lie in memory. */
export class RecordTable {
  readonly floats: Float64Array;
  readonly words: Uint32Array;

  /** @param buffer - Whole records. */
  constructor(buffer: ArrayBuffer) {
    this.floats = new Float64Array(buffer);
    this.words = new Uint32Array(buffer);
  }

  /** The record at a place. */
  read(place: number): DecisionRecord {
    const float = place * (RECORD_BYTES / 8);
    const word = place * (RECORD_BYTES / 4) + 8;
    const head = this.words[word] ?? 0;
    return {
      kind: RECORD_KINDS[head & 31] ?? 'none',
      rank: (head >>> 5) & 3,
      decision: (head >>> 7) & 31,
      source: head >>> 12,
      slot: this.words[word + 1] ?? NO_SLOT,
      keyHigh: this.words[word + 2] ?? 0,
      keyLow: this.words[word + 3] ?? 0,
      atMs: this.floats[float] ?? 0,
      first: this.floats[float + 1] ?? 0,
      second: this.floats[float + 2] ?? 0,
      amount: this.floats[float + 3] ?? 0,
    };
  }
}

/** A name for a hashed key, the same for the same key of one log; `undefined` for none. */
export function keyName(high: number, low: number): string | undefined {
  return high === 0 && low === 0 ? undefined : `${high.toString(36)}.${low.toString(36)}`;
}
