import { boundedKey } from '../../core/bounded-key.js';

/**
 * Tells keys apart without naming them: HalfSipHash-1-3 with 64 bits of output (Aumasson, Bernstein 2012; the 32-bit
 * form of 2016), over the UTF-16 units of the key. The secret is drawn anew for each log and never leaves the process, so
 * that nobody who reads a log can try keys against it.
 *
 * The result of {@link of} stands in two fields, so that nothing is allocated for it.
 */
export class KeyHash {
  high = 0;
  low = 0;
  readonly #secret: readonly [number, number];
  /** What {@link high} and {@link low} are of. */
  #last: string | undefined;

  /** @param secret - Two random 32-bit words. */
  constructor(secret: readonly [number, number]) {
    this.#secret = secret;
  }

  /** Hashes a key; no key is 0, 0, and no key but that is. */
  of(key: string | undefined): void {
    // One request writes several records with the same key, one after the other.
    if (key === this.#last) return;
    this.#last = key;
    this.high = 0;
    this.low = 0;
    if (key !== undefined) this.#mix(boundedKey(key));
  }

  #mix(key: string): void {
    let v0 = this.#secret[0] | 0;
    let v1 = (this.#secret[1] ^ 0xee) | 0;
    let v2 = (0x6c796765 ^ this.#secret[0]) | 0;
    let v3 = (0x74656462 ^ this.#secret[1]) | 0;
    const { length } = key;
    // The words of the key, the last of them with its length; then a round that ends the input, and two for the output.
    const words = (length >> 1) + 1;
    for (let step = 0; step < words + 6; step++) {
      let word = 0;
      if (step < words) {
        const place = step * 2;
        word = place < length ? key.charCodeAt(place) : 0;
        word |= (place + 1 < length ? key.charCodeAt(place + 1) : 0) << 16;
        if (step === words - 1) word ^= length << 24;
      } else if (step === words) {
        v2 ^= 0xee;
      } else if (step === words + 3) {
        this.high = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.low = (v1 ^ v3) >>> 0;
    if (this.high === 0 && this.low === 0) this.low = 1;
  }
}
