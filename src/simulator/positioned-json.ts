/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A JSON value, and where each part of it stands in the text. */
export interface PositionedJson {
  readonly value: unknown;
  /**
   * Where the part at a path begins. Of a path that leads nowhere the longest beginning that exists counts, so that a
   * field that is missing is looked for where it should be.
   */
  positionOf(path: readonly PropertyKey[]): Position;
  /** Where the key of a member stands, for a key that should not be there. */
  keyPositionOf(path: readonly PropertyKey[], key: string): Position;
}

/** The text is no JSON. The message says what is wrong, without the place. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.position = position;
  }
}

/** Nobody nests a file deeper on purpose; a bound keeps a hostile one from overflowing the stack. */
const DEEPEST = 100;

interface Node {
  readonly at: number;
  readonly keyAt: number;
  readonly value: unknown;
  readonly children: Map<string, Node>;
}

/**
 * Reads JSON (RFC 8259) and remembers where everything stands. Stricter than `JSON.parse` in one point: an object that
 * names a key twice is a mistake.
 *
 * @throws {@link JsonSyntaxError}
 */
export function parsePositionedJson(text: string): PositionedJson {
  const root = new Parser(text).document();
  const find = (path: readonly PropertyKey[]): Node => {
    let node = root;
    for (const key of path) {
      const child = node.children.get(String(key));
      if (child === undefined) break;
      node = child;
    }
    return node;
  };
  return {
    value: root.value,
    positionOf: (path) => positionAt(text, find(path).at),
    keyPositionOf: (path, key) => {
      const node = find(path);
      return positionAt(text, node.children.get(key)?.keyAt ?? node.at);
    },
  };
}

function positionAt(text: string, at: number): Position {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    // A byte order mark is no part of the text.
    this.#text = text;
    if (text.startsWith('\ufeff')) this.#at = 1;
  }

  document(): Node {
    const node = this.#value(0, this.#skipSpace());
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('the value is complete, but the text goes on');
    return node;
  }

  #value(depth: number, keyAt: number): Node {
    if (depth > DEEPEST) this.#fail(`nested more than ${DEEPEST} deep`);
    const at = this.#skipSpace();
    const children = new Map<string, Node>();
    const char = this.#text[at];
    if (char === '{') return { at, keyAt, children, value: this.#object(depth, children) };
    if (char === '[') return { at, keyAt, children, value: this.#array(depth, children) };
    return { at, keyAt, children, value: char === '"' ? this.#string() : this.#literal() };
  }

  #object(depth: number, children: Map<string, Node>): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#at++;
    for (let more = !this.#accept('}'); more; more = this.#goesOn('}')) {
      const keyAt = this.#skipSpace();
      if (this.#text[keyAt] !== '"') this.#fail('expected a key in double quotes');
      const key = this.#string();
      if (children.has(key)) this.#fail(`the key ${JSON.stringify(key)} is there twice`, keyAt);
      if (!this.#accept(':')) this.#fail(`expected ":" after the key ${JSON.stringify(key)}`);
      const node = this.#value(depth + 1, keyAt);
      children.set(key, node);
      entries.push([key, node.value]);
    }
    // Unlike an assignment this makes a plain member of `__proto__` as well.
    return Object.fromEntries(entries);
  }

  #array(depth: number, children: Map<string, Node>): unknown[] {
    const values: unknown[] = [];
    this.#at++;
    for (let more = !this.#accept(']'); more; more = this.#goesOn(']')) {
      const node = this.#value(depth + 1, this.#skipSpace());
      children.set(String(values.length), node);
      values.push(node.value);
    }
    return values;
  }

  /** Whether another item follows in a list that ends with `end`. */
  #goesOn(end: string): boolean {
    if (this.#accept(end)) return false;
    if (this.#accept(',')) return true;
    return this.#fail(`expected "," or "${end}"`);
  }

  #accept(char: string): boolean {
    if (this.#text[this.#skipSpace()] !== char) return false;
    this.#at++;
    return true;
  }

  #string(): string {
    const from = this.#at;
    const end = matchAt(/"(?:[^"\\]|\\.)*"/y, this.#text, from);
    if (end === undefined) this.#fail('a text without its closing quote');
    return this.#parsed(from, end, 'a text with a character or an escape that JSON does not know');
  }

  #literal(): unknown {
    const from = this.#at;
    if (from >= this.#text.length) this.#fail('the text ends where a value is expected');
    const end = matchAt(/[^\s,:[\]{}"]+/y, this.#text, from) ?? from + 1;
    const shown = JSON.stringify(this.#text.slice(from, Math.min(end, from + 40)));
    return this.#parsed(from, end, `expected a value instead of ${shown}`);
  }

  /** Numbers, words and escapes are left to the language. */
  #parsed<T>(from: number, end: number, mistake: string): T {
    try {
      const value: T = JSON.parse(this.#text.slice(from, end));
      this.#at = end;
      return value;
    } catch {
      return this.#fail(mistake, from);
    }
  }

  #skipSpace(): number {
    this.#at = matchAt(/[ \t\r\n]*/y, this.#text, this.#at) ?? this.#at;
    return this.#at;
  }

  #fail(message: string, at: number = this.#at): never {
    throw new JsonSyntaxError(message, positionAt(this.#text, Math.min(at, this.#text.length)));
  }
}

/** Where a match that begins at a place ends. */
function matchAt(sticky: RegExp, text: string, at: number): number | undefined {
  sticky.lastIndex = at;
  return sticky.test(text) ? sticky.lastIndex : undefined;
}
