/**
 * Finds what is configured by name.
 *
 * @throws RangeError that lists what there is, when there is none of this name.
 */
export function named<Part>(parts: ReadonlyMap<string, Part>, what: 'pool' | 'route', name: string): Part {
  const part = parts.get(name);
  if (part !== undefined) return part;
  const known = [...parts.keys()].map((each) => `"${each}"`).join(', ');
  throw new RangeError(`no ${what} "${name}" is configured; the ${what}s are ${known || 'none'}`);
}
