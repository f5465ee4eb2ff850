/** Text in which a session that escapes by a backslash and one that does not may read different things. */
const ESCAPED = /["'\\]|\p{Cc}/u;

/**
 * Values as the driver is to write them into a text. An object would become a list of assignments: a condition that
 * compares with a value from a request could be made true by sending an object. So objects are written as JSON; lists
 * (`IN (?)`), dates, bytes and what says its own SQL stay as they are.
 *
 * The driver writes text for a session in which a backslash escapes, and what it makes of a quote ends the literal in one
 * in which it does not (`NO_BACKSLASH_ESCAPES`). Here quotes and backslashes are doubled: no session, whatever its mode,
 * reads the end of the literal anywhere but at its end.
 */
export function writtenValues(values: readonly unknown[]): readonly unknown[] {
  return values.some(needsWriting) ? values.map((value) => plain(value, writeDoubled)) : values;
}

/** Values of which those that mean different things in different modes are sent apart from the text. */
export interface SplitValues {
  /** To be written into the text; where one is sent apart, a `?` is. */
  readonly written: readonly unknown[];
  /** What is sent apart, once the text is written. */
  readonly apart: readonly string[];
}

/** The same for a session in which a backslash may escape nothing: text that has one is sent apart. */
export function splitValues(values: readonly unknown[]): SplitValues {
  const apart: string[] = [];
  const write = (text: string): string => {
    if (!text.includes('\\')) return writeDoubled(text);
    apart.push(text);
    return '?';
  };
  return { written: values.map((value) => plain(value, write)), apart };
}

/** Values that are all sent apart; `undefined` where some are a part of the text itself: lists, and what says its SQL. */
export function apartValues(values: readonly unknown[]): readonly unknown[] | undefined {
  const all = values.map((value) => plain(value ?? null, undefined));
  return all.some((value) => Array.isArray(value) || saysItsSql(value)) ? undefined : all;
}

/** A text that is written in one way only. As the name of a column it stays what it is. */
class WrittenText {
  readonly #text: string;
  readonly #write: (text: string) => string;

  constructor(text: string, write: (text: string) => string) {
    this.#text = text;
    this.#write = write;
  }

  toSqlString(): string {
    return this.#write(this.#text);
  }

  toString(): string {
    return this.#text;
  }
}

function writeDoubled(text: string): string {
  return `'${text.replace(/[\\']/g, '$&$&')}'`;
}

function needsWriting(value: unknown): boolean {
  return typeof value === 'string' ? ESCAPED.test(value) : isObject(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

// A function cannot come out of a request.
function saysItsSql(value: unknown): boolean {
  return isObject(value) && 'toSqlString' in value && typeof value.toSqlString === 'function';
}

function plain(value: unknown, write: ((text: string) => string) | undefined): unknown {
  if (typeof value === 'string') {
    return write === undefined || !ESCAPED.test(value) ? value : new WrittenText(value, write);
  }
  if (!isObject(value) || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((each) => plain(each, write));
  return saysItsSql(value) ? value : plain(JSON.stringify(value), write);
}
