/**
 * Carries the state of the policy out of it, or into a fresh one that was made with the same settings. Each class names
 * its fields once, for both ways, so that what is written and what is read cannot differ: where the state is written a
 * method returns what it is given, where it is read it returns what was written.
 */
export interface Archive {
  /** Whether a state is read into the objects. */
  readonly loading: boolean;
  number(value: number): number;
  optional(value: number | undefined): number | undefined;
  flag(value: boolean): boolean;
  /** The key of a caller or a tenant. It may come back as another one, the same for the same key. */
  key(value: string): string;
  /** Numbers in place; their count is not written. */
  numbers(values: number[] | Float64Array): void;
  /** Switches in place; their count is not written. */
  flags(values: boolean[]): void;
  /** Makes an object known, so that {@link refer} can name it. */
  define(object: object): void;
  /** One of the objects that were made known; `undefined` stays so, and so becomes one that was not. */
  refer<T extends object>(object: T | undefined): T | undefined;
}

/** Entries of a map in their order; `each` carries one, and gets none where they are read. */
export function archiveMap<Value>(
  io: Archive,
  map: Map<string, Value>,
  each: (key: string, value: Value | undefined) => Value,
): void {
  const entries = [...map];
  const count = io.number(entries.length);
  for (let place = 0; place < count; place++) {
    const key = io.key(entries[place]?.[0] ?? '');
    const value = each(key, entries[place]?.[1]);
    if (io.loading) map.set(key, value);
  }
}
