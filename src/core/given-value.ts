// What code without types has given in the place of something else.

/** What kind of value it is, in words; tells nothing of the value itself, which may be a secret. */
export function kindOf(given: unknown): string {
  if (given === null) return 'null';
  if (Array.isArray(given)) return 'an array';
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`;
}

/** Which of these functions it does not have. A function may have functions of its own. */
export function missingFunctions(given: unknown, names: readonly string[]): string[] {
  const held = (typeof given === 'object' || typeof given === 'function') && given !== null ? given : {};
  return names.filter((name) => typeof Reflect.get(held, name) !== 'function');
}
