import { describe, expect, it } from 'vitest';
import { boundedKey, detached } from '../../../src/core/bounded-key.js';
import { KeyedBuckets } from '../../../src/core/keyed-buckets.js';
import { KeyHash } from '../../../src/telemetry/decision-log/key-hash.js';
import { TenantServer } from './tenant-server.js';

// Keys of callers and tenants that UTF-8 would write alike: a half of a pair of UTF-16 alone is U+FFFD there.

const ODD = ['\ud800', '\ud801', '\udc00', '\ufffd'];
const LONG = ODD.map((odd) => `${'x'.repeat(300)}${odd}`);

describe.each([
  ['short', ODD],
  ['long', LONG],
])('%s keys that only halves of pairs tell apart', (_, keys) => {
  it('stay apart where they are kept, and are kept as they are', () => {
    expect(new Set(keys.map(boundedKey)).size).toBe(keys.length);
    expect(keys.map(detached)).toEqual(keys);
  });

  it('have each a bucket of their own', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2 });
    for (const key of keys) expect([buckets.take(0, key, 2), buckets.take(0, key, 1)]).toEqual([true, false]);
    expect(buckets.size).toBe(keys.length);
  });

  it('are tenants that are served in turn', () => {
    const server = new TenantServer();
    server.introduce(...keys);
    server.come(keys[0], 20);
    for (const key of keys.slice(1)) server.come(key, 1);
    for (let served = 0; served < 2 * keys.length; served += 1) server.serve();
    expect(new Set(server.order).size).toBe(keys.length);
  });

  it('are hashed apart in the log of decisions', () => {
    const hash = new KeyHash([1, 2]);
    const hashes = keys.map((key) => {
      hash.of(key);
      return `${hash.high} ${hash.low}`;
    });
    expect(new Set(hashes).size).toBe(keys.length);
  });
});
