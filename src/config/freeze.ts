/** A map that nobody can change. `Object.freeze` alone leaves the entries of a map open. */
export function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  const map = new Map(entries);
  const refuse = (): never => {
    throw new TypeError('the configuration is read-only: resolve a new one instead');
  };
  for (const method of ['set', 'delete', 'clear']) Object.defineProperty(map, method, { value: refuse });
  return Object.freeze(map);
}

// The registered symbol, because `node:util` is no business of this file.
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Freezes an object and its lists, and gives it a printed form of its own, so that a secret does not end up in a log
 * because somebody printed the configuration.
 */
export function sealed<Shape extends object>(object: Shape, printed: () => object): Readonly<Shape> {
  for (const value of Object.values(object)) if (Array.isArray(value)) Object.freeze(value);
  for (const method of ['toJSON', INSPECT]) Object.defineProperty(object, method, { value: printed });
  return Object.freeze(object);
}
