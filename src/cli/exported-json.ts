import { CliError } from './command.js';

/** What a module exported, as JSON, and what JSON could not take along. */
export interface ExportedJson {
  readonly text: string;
  /** Functions that were left out because nobody would call them, a line each. */
  readonly leftOut: readonly string[];
}

/** So many mistakes are told at once; a list of numbers that went wrong has thousands. */
const MOST_MISTAKES = 10;

/**
 * Writes an exported scenario as JSON. Functions are left out of its `gateway`, where they belong to the options of a
 * real one.
 *
 * @throws {@link CliError} that names every place where something stands that JSON has not.
 */
export function exportedJson(file: string, value: unknown): ExportedJson {
  const search = new Search();
  search.look(value, '', []);
  const { mistakes, leftOut } = search;
  if (mistakes.length > 0) {
    const told = mistakes.slice(0, MOST_MISTAKES).map((mistake) => `${file}: ${mistake}`);
    const more = mistakes.length - told.length;
    throw new CliError([...told, ...(more > 0 ? [`and ${more} more like these`] : [])].join('\n  '));
  }
  const text: string | undefined = JSON.stringify(value, undefined, 2);
  if (text === undefined) throw new CliError(`${file}: export the scenario as default`);
  return { text, leftOut: leftOut.map((place) => `sluice: ${file}: ${place} is a function, which nobody calls here`) };
}

class Search {
  readonly mistakes: string[] = [];
  readonly leftOut: string[] = [];

  /** @param above - What the value stands in, from the outermost on. */
  look(value: unknown, place: string, above: readonly object[]): void {
    const wrong = (found: string): unknown => this.mistakes.push(`${place === '' ? 'the export' : place} ${found}`);
    if (typeof value === 'number' && !Number.isFinite(value)) wrong(`is ${value}: give a finite number`);
    else if (typeof value === 'bigint') wrong(`is ${value}n, a bigint: give a number`);
    else if (typeof value === 'function') {
      if (place.startsWith('gateway.')) this.leftOut.push(place);
      else wrong('is a function: give a value');
    } else if (typeof value === 'object' && value !== null) {
      if (above.includes(value)) wrong('leads back to what it stands in: give values without cycles');
      else this.#within(value, place, [...above, value]);
    }
  }

  #within(value: object, place: string, above: readonly object[]): void {
    for (const [key, member] of Object.entries(value)) {
      const at = Array.isArray(value) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`;
      this.look(member, at, above);
    }
  }
}
