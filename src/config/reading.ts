import { nearestName } from '../core/nearest.js';
import type { ValueOrigin } from './config.js';
import { showMistake } from './mask.js';
import type { ConfigProblem } from './problem.js';
import { type Entry, entriesOf, type Section } from './section.js';

/** The variables of a process, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An object of the code whose fields are not checked yet. */
export type Unchecked = Readonly<Record<string, unknown>>;

type Found = { readonly value: unknown; readonly origin: ValueOrigin };

/** One pass over code and environment: collects the mistakes and where each value came from. */
export class Reading {
  readonly problems: ConfigProblem[] = [];
  /** By path. A path is absent where the value is mistaken. */
  readonly origins: Map<string, ValueOrigin> = new Map();
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** A variable, trimmed; `undefined` where it is unset or empty. */
  variable(name: string): string | undefined {
    const text = this.#env[name]?.trim();
    return text === '' ? undefined : text;
  }

  /** The name under which a value is to be changed: its variable where that gave it, else its place in the code. */
  where(path: string): string {
    return this.origins.get(path)?.variable ?? path;
  }

  /** Whether what the code says at this path meets, at one of the others, what the environment says instead. */
  moved(path: string, others: readonly string[]): boolean {
    const from = (each: string): string | undefined => this.origins.get(each)?.origin;
    return from(path) === 'code' && others.some((other) => from(other) === 'environment');
  }

  /** Whether the values at all these paths were read without a mistake, unset optional ones included. */
  sound(...paths: readonly string[]): boolean {
    return paths.every((path) => this.origins.has(path));
  }

  /**
   * The values of a section: environment over code over shared variable over what `presets` makes of the values read
   * before, over default. Mistaken ones are left out.
   */
  section<Values>(
    section: Section<Values>,
    code: Unchecked,
    presets: (read: Partial<Values>) => Partial<Values> = () => ({}),
  ): Partial<Values> {
    const values: Record<string, unknown> = {};
    const preset = (key: string): unknown => new Map(Object.entries(presets(values as Partial<Values>))).get(key);
    for (const entry of entriesOf(section)) {
      const found = this.#find(entry, code[entry.key], preset(entry.key));
      if (found === undefined) continue;
      this.origins.set(entry.path, found.origin);
      if (found.value !== undefined) values[entry.key] = found.value;
    }
    // Each value was checked by the field of its key, and `FieldsOf` ties that field to the key's type.
    return values as Partial<Values>;
  }

  /** Adds a problem for each key of an object of the code that is not among the known ones. */
  unknownKeys(code: Unchecked, known: readonly string[], pathPrefix: string): void {
    for (const key of Object.keys(code)) {
      if (known.includes(key)) continue;
      const nearest = nearestName(key, known);
      this.problems.push({
        where: showPath(pathPrefix, key),
        remedy: 'no such field',
        ...(nearest === undefined ? {} : { nearest }),
      });
    }
  }

  /** The value of a field with its origin, or `undefined` after a mistake. */
  #find({ path, variable, field }: Entry, fromCode: unknown, preset: unknown): Found | undefined {
    const text = this.variable(variable);
    if (text !== undefined) {
      const parsed = field.text.safeParse(text);
      if (parsed.success) return { value: parsed.data, origin: { origin: 'environment', variable } };
      this.#mistake(variable, text, field);
    }
    // An empty URL is what `url: process.env.X ?? ''` gives, and means as little as an empty variable.
    const coded = field.secret === true && fromCode === '' ? undefined : fromCode;
    if (coded !== undefined) {
      const parsed = field.value.safeParse(coded);
      if (!parsed.success) this.#mistake(path, coded, field);
      // A mistaken variable is no reason to go on with the value that it was meant to replace.
      return parsed.success && text === undefined ? { value: parsed.data, origin: { origin: 'code' } } : undefined;
    }
    if (text !== undefined) return undefined;
    return preset === undefined ? this.#fallback(field) : { value: preset, origin: { origin: 'profile' } };
  }

  #fallback(field: Entry['field']): Found | undefined {
    const shared = field.fallbackVariable;
    const text = shared === undefined ? undefined : this.variable(shared);
    if (shared === undefined || text === undefined) return { value: field.default, origin: { origin: 'default' } };
    const parsed = field.text.safeParse(text);
    if (parsed.success) return { value: parsed.data, origin: { origin: 'fallback', variable: shared } };
    // Several pools share one variable, and one line about it is enough.
    if (!this.problems.some(({ where }) => where === shared)) this.#mistake(shared, text, field);
    return undefined;
  }

  #mistake(where: string, value: unknown, field: Entry['field']): void {
    const remedy = typeof value === 'string' ? field.remedyFor?.(value) : undefined;
    const shown = showMistake(value, field.secret === true);
    this.problems.push({ where, value: shown, remedy: remedy ?? `use ${field.allowed}` });
  }
}

/** A path for print: a key that is no identifier is quoted, so that nothing in it can pass for another line. */
export function showPath(prefix: string, key: string): string {
  if (/^\w{1,100}$/.test(key)) return prefix + key;
  return `${prefix.replace(/\.$/, '')}[${showMistake(key, false)}]`;
}
