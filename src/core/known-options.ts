import { nearestName } from './nearest.js';

/**
 * Looks for options that nobody would read, in what code without types may have given: what is not understood would be
 * done otherwise than it was meant.
 *
 * @param owner - Whose options they are, for the message: `a transaction`, `run()`.
 * @throws TypeError for an unknown name, with the one that was meant, and for what is no object.
 */
export function checkKnownOptions(owner: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of ${owner} are ${String(options)}: give an object, or leave them out`);
  }
  for (const name in options) {
    if (known.includes(name)) continue;
    const meant = nearestName(name, known) ?? known.join('", "');
    throw new TypeError(`"${name}" is no option of ${owner}: use "${meant}"`);
  }
}
