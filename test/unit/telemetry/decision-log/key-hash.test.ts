import { describe, expect, it } from 'vitest';
import { KeyHash } from '../../../../src/telemetry/decision-log/key-hash.js';

function hashed(hash: KeyHash, key: string | undefined): string {
  hash.of(key);
  return `${hash.high} ${hash.low}`;
}

describe('KeyHash', () => {
  it('is the same for the same key, and tells keys of any length apart', () => {
    const hash = new KeyHash([0x01020304, 0x05060708]);
    const keys = Array.from({ length: 50_000 }, (_, place) => `caller ${place}`);
    for (let length = 0; length <= 300; length++) keys.push('x'.repeat(length));
    const all = new Set(keys.map((key) => hashed(hash, key)));
    expect(all.size).toBe(keys.length);
    expect(hashed(hash, 'caller 7')).toBe(hashed(new KeyHash([0x01020304, 0x05060708]), `caller ${3 + 4}`));
  });

  it('is another one with another secret, in either word', () => {
    const secrets = [
      [0, 0],
      [1, 0],
      [0, 1],
      [0, 0x8000_0000],
    ] as const;
    expect(new Set(secrets.map((secret) => hashed(new KeyHash(secret), 'caller'))).size).toBe(4);
  });

  it('spreads keys evenly: one bit of the key changes half of the bits', () => {
    const hash = new KeyHash([11, 12]);
    let changed = 0;
    const pairs = 2_000;
    for (let place = 0; place < pairs; place++) {
      hash.of(`key ${place} a`);
      const { high, low } = hash;
      hash.of(`key ${place} c`);
      changed += bits(high ^ hash.high) + bits(low ^ hash.low);
    }
    expect(changed / pairs).toBeGreaterThan(31.5);
    expect(changed / pairs).toBeLessThan(32.5);
  });

  it('is 0, 0 for no key and only for that', () => {
    const hash = new KeyHash([0, 0]);
    expect(hashed(hash, undefined)).toBe('0 0');
    expect(hashed(hash, '')).not.toBe('0 0');
    expect(hashed(hash, undefined)).toBe('0 0');
  });
});

function bits(word: number): number {
  let count = 0;
  for (let left = word >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) count++;
  return count;
}
