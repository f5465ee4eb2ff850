import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/core/token-bucket.js';

type Row = [atMs: number, cost: number, taken: boolean, tokensAfter: number];

function expectRows(bucket: TokenBucket, rows: readonly Row[]): void {
  for (const [index, [atMs, cost, taken, tokensAfter]] of rows.entries()) {
    const where = `row ${index}: ${cost} tokens at ${atMs} ms`;
    expect(bucket.canTake(atMs, cost), where).toBe(taken);
    expect(bucket.take(atMs, cost), where).toBe(taken);
    expect(bucket.tokens(atMs), where).toBeCloseTo(tokensAfter, 9);
  }
}

const rate = fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10_000, noNaN: true }));
const burst = fc.double({ min: 0.5, max: 5_000, noNaN: true });
const cost = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 40, noNaN: true }));
/** Steps between calls, most often none or short, sometimes backwards or very long. */
const stepMs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.double({ min: 0, max: 20, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: -500, max: 500, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 3_600_000, noNaN: true }) },
);
const calls = fc.array(fc.record({ stepMs, cost }), { minLength: 1, maxLength: 120 });

describe('TokenBucket', () => {
  it('spends its burst at once and then the refill', () => {
    expectRows(new TokenBucket(10, 3), [
      [0, 1, true, 2],
      [0, 1, true, 1],
      [0, 1, true, 0],
      [0, 1, false, 0],
      [99.9, 1, false, 0.999],
      [100, 1, true, 0],
      [250, 1, true, 0.5],
      [300, 1, true, 0],
      [10_000, 3, true, 0],
      [10_000, 0, true, 0],
    ]);
  });

  it('stands still while instants jump backwards', () => {
    expectRows(new TokenBucket(10, 2), [
      [1_000, 2, true, 0],
      [0, 1, false, 0],
      [1_000, 1, false, 0],
      [1_100, 1, true, 0],
      [500, 1, false, 0],
      [1_150, 1, false, 0.5],
      [1_200, 1, true, 0],
    ]);
  });

  it('takes any cost up to the burst, never more', () => {
    expectRows(new TokenBucket(1, 4), [
      [-5_000, 4.5, false, 4],
      [-5_000, 2.5, true, 1.5],
      [-4_000, 2.5, true, 0],
      [9_999, 5, false, 4],
    ]);
  });

  it('never refills at rate 0', () => {
    const bucket = new TokenBucket(0, 1);
    expectRows(bucket, [
      [0, 1, true, 0],
      [1e12, 1, false, 0],
    ]);
    expect(bucket.msUntil(1e12, 1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('says how long until a cost is there', () => {
    const bucket = new TokenBucket(10, 2);
    expect(bucket.msUntil(0, 2)).toBe(0);
    expect(bucket.msUntil(0, 2.1)).toBe(Number.POSITIVE_INFINITY);
    bucket.take(0, 2);
    expect(bucket.msUntil(0, 1)).toBeCloseTo(100, 6);
    expect(bucket.msUntil(0, 2)).toBeCloseTo(200, 6);
    expect(bucket.msUntil(150, 2)).toBeCloseTo(50, 6);
    expect(bucket.msUntil(-50, 1)).toBeCloseTo(150, 6);
  });

  it('gives a refund back, up to the burst', () => {
    const bucket = new TokenBucket(10, 4);
    bucket.take(0, 3);
    bucket.refund(0, 2);
    expect(bucket.tokens(0)).toBe(3);
    bucket.refund(0, 9);
    expect(bucket.tokens(0)).toBe(4);
    bucket.take(0, 4);
    expect(bucket.tokens(100)).toBe(1);
  });

  it('keeps its tokens, up to the new burst, when it is reconfigured', () => {
    const bucket = new TokenBucket(10, 10);
    bucket.take(0, 10);
    bucket.reconfigure(500, 100, 20);
    expect(bucket.tokens(500)).toBe(5);
    expect(bucket.tokens(600)).toBe(15);
    expect(bucket.tokens(9_000)).toBe(20);
    bucket.reconfigure(9_000, 1, 2);
    expect([bucket.tokens(9_000), bucket.refillPerSecond, bucket.burst]).toEqual([2, 1, 2]);
  });

  it('refuses senseless numbers by name, and keeps what it had', () => {
    expect(() => new TokenBucket(-1, 1)).toThrow(/refillPerSecond is -1/);
    expect(() => new TokenBucket(Number.POSITIVE_INFINITY, 1)).toThrow(/refillPerSecond is Infinity/);
    expect(() => new TokenBucket(1, 0)).toThrow(/burst is 0: give a finite number above 0/);
    const bucket = new TokenBucket(1, 5);
    expect(() => bucket.take(0, -1)).toThrow(/cost is -1/);
    expect(() => bucket.canTake(0, Number.NaN)).toThrow(/cost is NaN/);
    expect(() => bucket.refund(0, -1)).toThrow(/cost is -1/);
    expect(() => bucket.msUntil(0, -1)).toThrow(/cost is -1/);
    expect(() => bucket.reconfigure(0, 2, Number.NaN)).toThrow(/burst is NaN/);
    expect([bucket.tokens(0), bucket.refillPerSecond, bucket.burst]).toEqual([5, 1, 5]);
  });

  it('stays within a millionth of a token over a million small steps', () => {
    for (const [perSecond, size, costInTenths] of [
      [2_999, 7, 3],
      [1_000, 2, 1],
      [9_999, 1e6, 11],
    ] as const) {
      const bucket = new TokenBucket(perSecond, size);
      const originMs = 86_400_000;
      bucket.take(originMs, size);
      let taken = 0;
      for (let step = 1; step <= 1_000_000; step++) if (bucket.take(originMs + step / 10, costInTenths / 10)) taken++;
      // It never came back to full, so what refilled in these 100 s was taken or is still there. Whole tenths: exact.
      const exact = (perSecond * 1_000 - taken * costInTenths) / 10;
      expect(taken).toBeGreaterThan(900_000);
      expect(Math.abs(bucket.tokens(originMs + 100_000) - exact)).toBeLessThan(1e-6);
    }
  });

  it('property: a bucket never gives more than burst + rate x time, in any window', () => {
    fc.assert(
      fc.property(rate, burst, calls, (perSecond, size, sequence) => {
        const bucket = new TokenBucket(perSecond, size);
        let nowMs = 0;
        let latestMs = Number.NEGATIVE_INFINITY;
        const taken: { atMs: number; cost: number }[] = [];
        for (const call of sequence) {
          nowMs += call.stepMs;
          latestMs = Math.max(latestMs, nowMs);
          if (bucket.take(nowMs, call.cost)) taken.push({ atMs: latestMs, cost: call.cost });
        }
        for (const [first, from] of taken.entries()) {
          let given = 0;
          for (const to of taken.slice(first)) {
            given += to.cost;
            const most = size + (perSecond * (to.atMs - from.atMs)) / 1000;
            expect(given).toBeLessThanOrEqual(most * (1 + 1e-12) + 1e-9);
          }
        }
      }),
    );
  });

  it('property: it gives all of burst + rate x time to one who keeps asking', () => {
    fc.assert(
      // From a burst of 2, so that nothing overflows between two tries.
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 2, max: 500 }), (perSecond, size) => {
        const bucket = new TokenBucket(perSecond, size);
        let given = 0;
        for (let atMs = 0; atMs <= 2_000; atMs += 0.125) while (bucket.take(atMs, 1)) given++;
        expect(given).toBe(size + Math.floor(perSecond * 2));
      }),
      { numRuns: 10 },
    );
  });

  it('property: a shed request changes no quota', () => {
    fc.assert(
      fc.property(rate, burst, calls, fc.array(cost), (perSecond, size, sequence, tries) => {
        const plain = new TokenBucket(perSecond, size);
        const pestered = new TokenBucket(perSecond, size);
        let nowMs = 0;
        for (const [index, call] of sequence.entries()) {
          nowMs += call.stepMs;
          const extra = pestered.tokens(nowMs) + 0.001 + (tries[index] ?? 0);
          expect(pestered.take(nowMs, extra)).toBe(false);
          expect(pestered.take(nowMs, call.cost)).toBe(plain.take(nowMs, call.cost));
          expect(pestered.tokens(nowMs)).toBe(plain.tokens(nowMs));
        }
      }),
    );
  });

  it('property: a refund undoes a take', () => {
    fc.assert(
      fc.property(rate, burst, calls, cost, fc.double({ min: 0, max: 5_000, noNaN: true }), (r, b, seq, c, laterMs) => {
        const plain = new TokenBucket(r, b);
        const undone = new TokenBucket(r, b);
        let nowMs = 0;
        for (const call of seq) {
          nowMs += call.stepMs;
          plain.take(nowMs, call.cost);
          undone.take(nowMs, call.cost);
        }
        if (undone.take(nowMs, c)) undone.refund(nowMs + laterMs, c);
        expect(undone.tokens(nowMs + laterMs)).toBeCloseTo(plain.tokens(nowMs + laterMs), 6);
        expect(undone.tokens(nowMs + laterMs)).toBeLessThanOrEqual(b);
      }),
    );
  });

  it('property: waiting as long as it says is enough, and a hundredth less is not', () => {
    fc.assert(
      fc.property(rate, burst, calls, cost, (perSecond, size, sequence, wanted) => {
        const bucket = new TokenBucket(perSecond, size);
        let nowMs = 0;
        for (const call of sequence) {
          nowMs += call.stepMs;
          bucket.take(nowMs, call.cost);
        }
        const waitMs = bucket.msUntil(nowMs, wanted);
        if (waitMs === Number.POSITIVE_INFINITY) {
          expect(bucket.canTake(nowMs + 1e12, wanted)).toBe(false);
          return;
        }
        if (waitMs > 0.01) expect(bucket.canTake(nowMs + waitMs * 0.99, wanted)).toBe(false);
        expect(bucket.take(nowMs + waitMs, wanted)).toBe(true);
      }),
    );
  });

  it('property: the same inputs give the same decisions', () => {
    fc.assert(
      fc.property(rate, burst, calls, (perSecond, size, sequence) => {
        const run = (): unknown[] => {
          const bucket = new TokenBucket(perSecond, size);
          let nowMs = 0;
          return sequence.map((call) => {
            nowMs += call.stepMs;
            return [bucket.take(nowMs, call.cost), bucket.tokens(nowMs)];
          });
        };
        expect(run()).toEqual(run());
      }),
    );
  });
});
