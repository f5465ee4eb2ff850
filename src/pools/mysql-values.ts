/**
 * Values as the driver writes them into a text, which it does itself. An object would become a list of assignments: a
 * condition that compares with a value from a request could be made true by sending an object. So objects are written
 * as JSON; lists (`IN (?)`), dates, bytes and what says its own SQL stay as they are.
 */
export function plainValues(values: readonly unknown[]): readonly unknown[] {
  return values.some(isObject) ? values.map(plain) : values;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function plain(value: unknown): unknown {
  if (!isObject(value) || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plain);
  // A function cannot come out of a request.
  return 'toSqlString' in value && typeof value.toSqlString === 'function' ? value : JSON.stringify(value);
}
