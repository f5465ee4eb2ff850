import { showMistake } from './mask.js';
import { NAME_PATTERN, NAME_RULE, upperSnake } from './names.js';
import { type Reading, showPath, type Unchecked } from './reading.js';

/** An object of the code, or `undefined` and a problem. */
export function readObject(value: unknown, path: string, reading: Reading): Unchecked | undefined {
  if (isObject(value)) return value;
  reading.problems.push({ where: path, value: showMistake(value, false), remedy: 'use an object' });
  return undefined;
}

function isObject(value: unknown): value is Unchecked {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** The pools or the routes of the code, by name, without those whose name is a mistake. */
export function readNamed(kind: 'pools' | 'routes', value: unknown, reading: Reading): Map<string, Unchecked> {
  const named = new Map<string, Unchecked>();
  const all = readObject(value, kind, reading);
  const takenForms = new Map<string, string>();
  for (const [name, options] of Object.entries(all ?? {})) {
    const path = showPath(`${kind}.`, name);
    if (!NAME_PATTERN.test(name)) {
      reading.problems.push({ where: path, remedy: NAME_RULE });
      continue;
    }
    const form = upperSnake(name);
    const other = takenForms.get(form);
    if (other !== undefined) {
      const remedy = `its variables would be those of "${other}" (${form}); rename one of the two`;
      reading.problems.push({ where: path, remedy });
      continue;
    }
    takenForms.set(form, name);
    // Kept even where it is no object, so that its variables are not called unknown on top of that.
    named.set(name, readObject(options, path, reading) ?? {});
  }
  return named;
}
