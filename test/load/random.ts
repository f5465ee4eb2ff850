/** A stream of pseudo-random numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/**
 * A small seeded generator (Mulberry32: a 32-bit counter through two rounds of multiply and xor-shift). Good enough
 * for arrival times, and quick enough not to show in a load generator's own cost.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A seed for one named part of a run, so that adding a part leaves the numbers of the others as they were. */
export function seedFor(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ (seed >>> 0);
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
