/** A stream of pseudo-random numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** Rounds after which every bit of the seed has reached every bit of the state. */
const WARM_UP = 15;

/**
 * A seeded generator with 128 bits of state: Small Fast Counting, 32-bit (Doty-Humphrey, PractRand 0.9, 2010). Its
 * counter guarantees a period of at least 2^32, and it passes PractRand to terabytes, which a simulation never draws.
 *
 * @param seed - Any number; its lower 32 bits count.
 * @param name - What the numbers are for: another name gives numbers of its own, so that a part that is added to a
 *   run leaves those of the others as they were.
 */
export function seededRandom(seed: number, name = ''): Random {
  let a = seed >>> 0;
  let b = hashOf(name);
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let round = 0; round < WARM_UP; round++) next();
  return next;
}

/** FNV-1a (Fowler, Noll, Vo) over the UTF-16 units of a name. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
