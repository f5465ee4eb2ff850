import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface BenchOptions {
  readonly help: boolean;
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly repeats: number;
  readonly seed: number;
}

/**
 * Reads the command line.
 *
 * @param names - The sections that exist.
 * @throws Error with one line that says what is wrong.
 */
export function readOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      repeats: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  });
  const only = values.only.flatMap((value) => value.split(',')).filter((name) => name !== '');
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: the sections are ${names.join(', ')}`);
  return {
    help: values.help,
    only: only.length > 0 ? names.filter((name) => only.includes(name)) : names,
    quick: values.quick,
    repeats: whole('--repeats', values.repeats ?? (values.quick ? '1' : '3'), 1, 50),
    seed: whole('--seed', values.seed, 0, 4_294_967_295),
  };
}

function whole(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new Error(`${name} must be a whole number from ${low} to ${high}, it is "${text}"`);
  }
  return value;
}
