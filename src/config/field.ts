import { z } from 'zod';

/** One field of the configuration: how to read it from code and from text, and what to say about it. */
export interface Field<Value> {
  /** One sentence for the table of variables. */
  readonly description: string;
  /** The values that are allowed, in words that follow "use". */
  readonly allowed: string;
  /** What to say of a mistaken text in place of what is allowed, where more can be told. */
  readonly remedyFor?: (mistaken: string) => string | undefined;
  /** Absent: the field is optional, required, or computed when unset. */
  readonly default?: Value;
  /** The default in words, where it is not a value. */
  readonly defaultText?: string;
  /** Whether the value must be masked in print. */
  readonly secret?: boolean;
  /** A shared variable that serves where the field is set neither in code nor by its own variable. */
  readonly fallbackVariable?: string;
  /** Checks a value from the code. */
  readonly value: z.ZodType<Value>;
  /** Reads a variable, which is trimmed and not empty. */
  readonly text: z.ZodType<Value, string>;
}

/** A field for each key of a configuration type, so that neither can gain one without the other. */
export type FieldsOf<Config> = { readonly [Key in keyof Config]-?: Field<NonNullable<Config[Key]>> };

/** What every kind of field has. */
interface About<Value> {
  readonly description: string;
  readonly default?: Value;
  readonly defaultText?: string;
}

interface NumberAbout extends About<number> {
  /** Smallest value, or the bound above which values begin. */
  readonly from: { readonly atLeast: number } | { readonly above: number };
  readonly to: number;
  readonly whole?: boolean;
}

// Number() also reads "1e3", "0x10" and " ", none of which somebody means when they tune a server.
const PLAIN_DECIMAL = /^-?(?:\d+(?:\.\d+)?|\.\d+)$/;

/** A finite number within a range; as text, a plain decimal. */
export function number({ from, to, whole = false, ...about }: NumberAbout): Field<number> {
  const base = whole ? z.int() : z.number();
  const value = ('above' in from ? base.gt(from.above) : base.gte(from.atLeast)).lte(to);
  const range = 'above' in from ? `above ${from.above}, up to ${to}` : `from ${from.atLeast} to ${to}`;
  return {
    ...about,
    allowed: `a ${whole ? 'whole number' : 'number'} ${range}`,
    value,
    text: z.string().regex(PLAIN_DECIMAL).transform(Number).pipe(value),
  };
}

/** A whole number from `atLeast` to `to`. */
export function whole(atLeast: number, to: number, about: About<number>): Field<number> {
  return number({ ...about, from: { atLeast }, to, whole: true });
}

/** A switch; as text also 1, 0, yes, no, on and off. */
export function flag(about: About<boolean>): Field<boolean> {
  return {
    ...about,
    allowed: 'true or false',
    value: z.boolean(),
    text: z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] }),
  };
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[], about: About<Word>): Field<Word> {
  const value = z.enum(words);
  return {
    ...about,
    allowed: `one of ${words.join(', ')}`,
    value,
    text: z.string().toLowerCase().pipe(value),
  };
}

interface TextAbout extends About<string> {
  readonly allowed: string;
  readonly pattern: RegExp;
}

/** A short text of a given form. */
export function text({ pattern, ...about }: TextAbout): Field<string> {
  const value = z.string().trim().regex(pattern);
  return { ...about, value, text: value };
}
