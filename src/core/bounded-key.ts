/** Longest key that is kept as it is, in UTF-16 units. */
const KEY_MAX = 256;

/** How much of a longer key stays readable. */
const PREFIX = 64;

/**
 * A name of at most 256 characters for a caller key of any length. A key up to that length is its own name; of a longer
 * one its beginning and its length are kept, with a 64-bit hash of all of it in place of the rest.
 *
 * The hash is FNV-1a in two lanes (Fowler, Noll, Vo). It is no secret and not meant to withstand forgery: who can make
 * a key that collides with another's long key knows that key, and could as well send it.
 */
export function boundedKey(key: string): string {
  if (key.length <= KEY_MAX) return key;
  let left = 0x811c9dc5;
  let right = 0x1b873593;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    left = Math.imul(left ^ unit, 0x01000193);
    right = Math.imul(right ^ unit ^ (left >>> 15), 0x85ebca6b);
  }
  return `${key.slice(0, PREFIX)}~${key.length}~${(left >>> 0).toString(36)}~${(right >>> 0).toString(36)}`;
}

/**
 * The same characters in memory of their own. A key is often cut from a header, and engines let a short piece keep the
 * whole of a long string alive; what is stored for long must not.
 */
export function detached(key: string): string {
  // A plain array: from a typed one, this takes four times as long.
  const units: number[] = [];
  for (let index = 0; index < key.length; index++) units.push(key.charCodeAt(index));
  return String.fromCharCode(...units);
}
