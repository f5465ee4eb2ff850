import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedKey, detached } from '../../../src/core/bounded-key.js';
import { KeyedBuckets } from '../../../src/core/keyed-buckets.js';

const key = fc.constantFrom(...Array.from({ length: 12 }, (_, index) => `caller-${index}`));
const calls = fc.array(
  fc.record({
    stepMs: fc.oneof(fc.constant(0), fc.double({ min: -200, max: 600, noNaN: true })),
    key,
    cost: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 4, noNaN: true })),
  }),
  { maxLength: 200 },
);
const settings = fc.record({
  refillPerSecond: fc.double({ min: 0.5, max: 20, noNaN: true }),
  burst: fc.double({ min: 1, max: 6, noNaN: true }),
  maxKeys: fc.integer({ min: 1, max: 10 }),
});

interface Taken {
  readonly atMs: number;
  readonly cost: number;
}

/** The most that was taken in any window, beyond what refills in it. */
function greatestBurst(taken: readonly Taken[], refillPerSecond: number): number {
  let most = 0;
  for (const [first, from] of taken.entries()) {
    let given = 0;
    for (const to of taken.slice(first)) {
      given += to.cost;
      most = Math.max(most, given - (refillPerSecond * (to.atMs - from.atMs)) / 1000);
    }
  }
  return most;
}

/** What is in use after a garbage collection. */
function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('the garbage collector cannot be called');
  collect();
  return process.memoryUsage().heapUsed;
}

describe('KeyedBuckets', () => {
  it('keeps callers apart', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2 });
    expect(buckets.take(0, 'ada', 2)).toBe(true);
    expect(buckets.take(0, 'ada', 1)).toBe(false);
    expect(buckets.take(0, 'bob', 1)).toBe(true);
    expect([buckets.tokens(0, 'ada'), buckets.tokens(0, 'bob'), buckets.tokens(0, 'cyd')]).toEqual([0, 1, 2]);
    expect(buckets.msUntil(0, 'ada', 1)).toBeCloseTo(1_000, 6);
    expect([buckets.msUntil(0, 'cyd', 2), buckets.msUntil(0, 'cyd', 3)]).toEqual([0, Number.POSITIVE_INFINITY]);
    expect([buckets.canTake(0, 'bob', 1), buckets.canTake(0, 'bob', 2), buckets.size]).toEqual([true, false, 2]);
  });

  it('forgets a caller whose bucket is full again, to make room', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2, maxKeys: 2 });
    buckets.take(0, 'ada', 1);
    buckets.take(0, 'bob', 2);
    expect(buckets.take(1_000, 'cyd', 2)).toBe(true);
    // Had bob been forgotten instead, his bucket would be full now.
    expect([buckets.tokens(1_000, 'bob'), buckets.tokens(1_000, 'cyd'), buckets.size]).toEqual([1, 0, 2]);
  });

  it('lets newcomers share one bucket while everybody is busy', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2, maxKeys: 2 });
    buckets.take(0, 'ada', 2);
    buckets.take(0, 'bob', 2);
    expect(buckets.take(0, 'cyd', 1)).toBe(true);
    expect(buckets.take(0, 'dan', 1)).toBe(true);
    expect(buckets.take(0, 'eve', 1)).toBe(false);
    expect(buckets.msUntil(0, 'eve', 1)).toBeCloseTo(1_000, 6);
    buckets.refund(0, 'dan', 1);
    expect(buckets.take(0, 'eve', 1)).toBe(true);
    expect([buckets.tokens(0, 'ada'), buckets.tokens(0, 'bob'), buckets.size]).toEqual([0, 0, 2]);
  });

  it('stands still as a whole while instants jump backwards', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2, maxKeys: 1 });
    buckets.take(10_000, 'ada', 2);
    expect(buckets.take(0, 'bob', 2)).toBe(true);
    expect(buckets.take(2_000, 'bob', 1)).toBe(false);
    expect(buckets.msUntil(2_000, 'bob', 1)).toBeCloseTo(9_000, 6);
    expect(buckets.take(11_000, 'bob', 1)).toBe(true);
  });

  it('looks at every bucket in turn for one to forget', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 10, burst: 1_000, maxKeys: 100 });
    for (let index = 0; index < 100; index++) buckets.take(0, `busy-${index}`, index === 90 ? 1 : 1_000);
    // Only the 91st can be forgotten; each newcomer moves the hand on by eight.
    for (let index = 0; index < 11; index++) buckets.take(100, `newcomer-${index}`, 1);
    expect(buckets.tokens(100, 'busy-90')).toBe(1_000);
    expect(buckets.take(100, 'newcomer-11', 5)).toBe(true);
    expect(buckets.tokens(100, 'newcomer-11')).toBe(995);
    expect(buckets.size).toBe(100);
  });

  it('cannot be made to forget a busy caller by a flood of invented keys', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 10, burst: 20, maxKeys: 50 });
    let busy = 0;
    let flood = 0;
    for (let step = 0; step < 20_000; step++) {
      const nowMs = step / 2;
      if (buckets.take(nowMs, 'busy', 1)) busy++;
      if (buckets.take(nowMs, `invented-${step}`, 1)) flood++;
    }
    // 10 s: a burst of 20 and ten times 10; never the 20 of a fresh bucket again.
    expect(busy).toBe(20 + 99);
    expect(flood).toBeLessThanOrEqual(51 * (20 + 100));
    expect(buckets.size).toBe(50);
  });

  it('tells long keys apart by all of their characters', () => {
    const stem = 'k'.repeat(5_000);
    const names = [stem, `${stem}a`, `${stem}b`, `a${stem}`, `${stem.slice(1)}a`, stem.slice(1)].map(boundedKey);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name.length).toBeLessThan(120);
    expect(boundedKey('k'.repeat(256))).toBe('k'.repeat(256));
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 1 });
    expect([buckets.take(0, `${stem}a`, 1), buckets.take(0, `${stem}a`, 1)]).toEqual([true, false]);
    expect(buckets.take(0, `${stem}b`, 1)).toBe(true);
  });

  it('finds 50,000 long keys that differ in one place distinct', () => {
    const names = new Set<string>();
    const filler = 'x'.repeat(300);
    for (let index = 0; index < 50_000; index++) names.add(boundedKey(`${filler}${index}`));
    expect(names.size).toBe(50_000);
  });

  it('property: a stored key is the same key, whatever its characters', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('\ud800'), fc.constant('')),
        (text) => {
          expect(detached(text)).toBe(text);
          const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 1 });
          expect([buckets.take(0, text, 1), buckets.take(0, text, 1)]).toEqual([true, false]);
        },
      ),
    );
  });

  it('stores 10,000 keys cut from headers of 16 KiB in less than 10 MB', () => {
    const buckets = new KeyedBuckets({ refillPerSecond: 1, burst: 2 });
    const before = liveHeapBytes();
    for (let index = 0; index < 10_000; index++) {
      const header = Buffer.alloc(16_384, `Bearer ${index} `).toString('latin1');
      buckets.take(0, header.slice(7, index % 2 === 0 ? 40 : 16_000), 1);
    }
    expect((liveHeapBytes() - before) / 1e6).toBeLessThan(10);
    expect(buckets.size).toBe(10_000);
  });

  it('refuses senseless options by name', () => {
    expect(() => new KeyedBuckets({ refillPerSecond: 1, burst: 1, maxKeys: 0 })).toThrow(/maxKeys is 0/);
    expect(() => new KeyedBuckets({ refillPerSecond: 1, burst: 1, maxKeys: 1.5 })).toThrow(
      /maxKeys is 1.5: give a whole/,
    );
    expect(() => new KeyedBuckets({ refillPerSecond: -1, burst: 1 })).toThrow(/refillPerSecond is -1/);
  });

  it('property: one caller gets at most twice, all callers maxKeys + 1 times burst + rate x time', () => {
    fc.assert(
      fc.property(settings, calls, (setting, sequence) => {
        const buckets = new KeyedBuckets(setting);
        const taken = new Map<string, Taken[]>();
        const all: Taken[] = [];
        let nowMs = 0;
        let latestMs = Number.NEGATIVE_INFINITY;
        for (const call of sequence) {
          nowMs += call.stepMs;
          latestMs = Math.max(latestMs, nowMs);
          if (!buckets.take(nowMs, call.key, call.cost)) continue;
          const entry = { atMs: latestMs, cost: call.cost };
          taken.set(call.key, [...(taken.get(call.key) ?? []), entry]);
          all.push(entry);
          expect(buckets.size).toBeLessThanOrEqual(setting.maxKeys);
        }
        const { refillPerSecond, burst, maxKeys } = setting;
        for (const one of taken.values()) {
          expect(greatestBurst(one, 2 * refillPerSecond)).toBeLessThanOrEqual(2 * burst + 1e-6);
        }
        expect(greatestBurst(all, (maxKeys + 1) * refillPerSecond)).toBeLessThanOrEqual((maxKeys + 1) * burst + 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('property: with room for everybody each caller gets exactly what a bucket of its own gives', () => {
    fc.assert(
      fc.property(settings, calls, (setting, sequence) => {
        const shared = new KeyedBuckets({ ...setting, maxKeys: 12 });
        const alone = new Map<string, KeyedBuckets>();
        // Forwards only: together they stand still for a jump backwards that one alone would not see.
        let nowMs = 0;
        for (const call of sequence) {
          nowMs += Math.abs(call.stepMs);
          const own = alone.get(call.key) ?? new KeyedBuckets({ ...setting, maxKeys: 1 });
          alone.set(call.key, own);
          expect(shared.take(nowMs, call.key, call.cost)).toBe(own.take(nowMs, call.key, call.cost));
        }
      }),
    );
  });

  it('property: a shed request changes no quota', () => {
    fc.assert(
      fc.property(settings, calls, (setting, sequence) => {
        const buckets = new KeyedBuckets(setting);
        const keys = ['unseen', ...new Set(sequence.map((call) => call.key))];
        let nowMs = 0;
        for (const call of sequence) {
          nowMs += call.stepMs;
          const before = keys.map((one) => buckets.tokens(nowMs, one));
          const may = buckets.canTake(nowMs, call.key, call.cost);
          expect(buckets.take(nowMs, call.key, call.cost)).toBe(may);
          if (!may) expect(keys.map((one) => buckets.tokens(nowMs, one))).toEqual(before);
        }
      }),
    );
  });

  it('property: a refund at once undoes a take', () => {
    fc.assert(
      fc.property(settings, calls, key, (setting, sequence, who) => {
        const buckets = new KeyedBuckets(setting);
        let nowMs = 0;
        for (const call of sequence) {
          nowMs += Math.abs(call.stepMs);
          buckets.take(nowMs, call.key, call.cost);
        }
        const before = buckets.tokens(nowMs, who);
        if (buckets.take(nowMs, who, 0.5)) buckets.refund(nowMs, who, 0.5);
        // In the overflow bucket it may be that the hand has moved on to a bucket that can be forgotten.
        expect(buckets.tokens(nowMs, who)).toBeGreaterThanOrEqual(before - 1e-6);
      }),
    );
  });

  it('property: the same inputs give the same decisions', () => {
    fc.assert(
      fc.property(settings, calls, (setting, sequence) => {
        const run = (): unknown => {
          const buckets = new KeyedBuckets(setting);
          let nowMs = 0;
          return sequence.map((call) => {
            nowMs += call.stepMs;
            return buckets.take(nowMs, call.key, call.cost);
          });
        };
        expect(run()).toEqual(run());
      }),
    );
  });
});
