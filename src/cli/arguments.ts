import { parseArgs } from 'node:util';
import { nearestName } from '../core/nearest.js';
import { type Arguments, type Command, type OptionSpec, UsageError } from './command.js';

/** Every command knows it. */
export const HELP: OptionSpec = { type: 'boolean', short: 'h', description: 'Show this text.' };

/**
 * Reads the options of a command.
 *
 * @throws {@link UsageError} for an option that is unknown, has no value, has one it does not take, or came twice, and
 *   for anything that is no option.
 */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const options = { ...command.options, help: HELP };
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short }]) => [
        name,
        { type, multiple: true, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const values = new Map<string, string[]>();
  let operand: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (command.operand === undefined || operand !== undefined) {
        throw new UsageError(`"${token.value}" is no option of sluice ${command.name}`);
      }
      operand = token.value;
    }
    if (token.kind !== 'option') continue;
    const spec = specOf(options, token.name, token.rawName);
    const before = values.get(token.name) ?? [];
    if (before.length > 0 && spec.type === 'string' && spec.multiple !== true) {
      throw new UsageError(`${token.rawName} is given twice; give it once`);
    }
    values.set(token.name, [...before, textOf(spec, token)]);
  }
  return argumentsFrom(values, operand);
}

function specOf(options: Readonly<Record<string, OptionSpec>>, name: string, rawName: string): OptionSpec {
  const spec = Object.hasOwn(options, name) ? options[name] : undefined;
  if (spec !== undefined) return spec;
  const nearest = nearestName(name, Object.keys(options));
  throw new UsageError(`no option ${rawName}${nearest === undefined ? '' : `; did you mean --${nearest}?`}`);
}

function textOf(spec: OptionSpec, token: { readonly rawName: string; readonly value?: string | undefined }): string {
  if (spec.type === 'boolean') {
    if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    return '';
  }
  if (token.value === undefined || token.value === '' || token.value.startsWith('--')) {
    throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${spec.value ?? '<value>'}`);
  }
  return token.value;
}

function argumentsFrom(values: ReadonlyMap<string, readonly string[]>, operand: string | undefined): Arguments {
  const all = (name: string): readonly string[] => values.get(name) ?? [];
  const text = (name: string): string | undefined => all(name).at(-1);
  return {
    all,
    text,
    number: (name) => {
      const given = text(name);
      return given === undefined ? undefined : readNumber(`--${name}`, given);
    },
    flag: (name) => values.has(name),
    operand,
  };
}

/** A seed of random numbers. */
export function readSeed(option: string, text: string): number {
  const seed = readNumber(option, text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff) return seed;
  throw new UsageError(`${option} is ${text}: give a whole number from 0 to 4294967295`);
}

/** A decimal, also as 1e9; anything else that `Number` reads is nothing that somebody means. Bounds are checked by who asks. */
export function readNumber(option: string, text: string): number {
  if (/^-?\d+(?:\.\d+)?(?:e\+?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`${option} is "${text}": give a number`);
}

/** How an option is called that stands for a field: `safetyFactor` is `--safety-factor`. */
export function optionOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The value of an option that is a whole number.
 *
 * @throws {@link UsageError} for anything else, and for one beyond the bounds.
 */
export function wholeNumber(
  args: Arguments,
  name: string,
  byDefault: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = args.number(name) ?? byDefault;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} is ${value}: use a whole number from ${least} to ${most}`);
}
