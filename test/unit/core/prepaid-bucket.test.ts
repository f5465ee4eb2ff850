import { describe, expect, it } from 'vitest';
import { PrepaidBucket } from '../../../src/core/prepaid-bucket.js';
import type { TokenReport } from '../../../src/core/token-report.js';
import { drain, exchange, fleet, type Process } from '../../support/token-fleet.js';
import { TokenLedger } from '../../support/token-ledger.js';

/** The report of somebody who has and wants nothing. */
function still(sequence: number): TokenReport {
  const sinceMs = sequence === 1 ? Number.POSITIVE_INFINITY : expect.any(Number);
  return { sequence, spent: 0, acknowledged: 0, held: 0, want: 0, known: false, away: false, sinceMs };
}

describe('PrepaidBucket', () => {
  it('begins with its share of the burst on credit, and says so at once', () => {
    const { ledger, all } = fleet(4, 100, 40);
    const [one] = all;
    if (one === undefined) throw new Error('no process');
    expect(one.bucket.quiet).toBe(true);
    expect(drain(0, one.bucket)).toBe(10);
    expect(one.urgent).toBe(true);
    const report = exchange(0, ledger, one);
    expect(report).toMatchObject({ spent: 10, held: 0, acknowledged: 0 });
    // 30 of the 40 are left; it wants its share of the burst, and more for the demand that it sees.
    expect(one.bucket.held).toBeGreaterThanOrEqual(10);
  });

  it('alone, it may spend the whole burst at once', () => {
    const { all } = fleet(1, 10, 800);
    expect(drain(0, all[0]?.bucket as PrepaidBucket)).toBe(800);
  });

  it('needs no answer to decide, and is told what was granted', () => {
    const { ledger, all } = fleet(2, 10, 20);
    const [one] = all as [Process];
    drain(0, one.bucket);
    exchange(0, ledger, one);
    expect(drain(0, one.bucket)).toBe(10);
    exchange(0, ledger, one);
    expect(one.bucket.held).toBe(0);
    expect(one.bucket.take(0, 1)).toBe(false);
    // A second for 10 tokens; what is there has to be fetched, too.
    expect(one.bucket.msUntil(0, 1)).toBe(101);
    drain(1_000, one.bucket);
    exchange(1_000, ledger, one);
    expect(drain(1_000, one.bucket)).toBe(10);
  });

  it('gives everything back when nobody comes any more, and begins on credit then', () => {
    const { ledger, all } = fleet(2, 10, 20);
    const [one, other] = all as [Process, Process];
    one.bucket.take(0, 3);
    exchange(0, ledger, one);
    expect(one.bucket.held).toBeGreaterThan(0);
    exchange(1_500, ledger, one);
    expect([one.bucket.held, one.bucket.quiet, one.bucket.isFull(1_500)]).toEqual([0, true, true]);
    // What it gave back is there for another.
    other.bucket.take(1_500, 3);
    exchange(1_500, ledger, other);
    expect(other.bucket.tokens(1_500)).toBe(17);
    expect(drain(1_500, one.bucket)).toBe(10);
  });

  it('asks again for who is refused, though it has spent nothing since: others may have given back', () => {
    const { ledger, all } = fleet(2, 1 / 60, 10);
    const [one, other] = all as [Process, Process];
    drain(0, other.bucket);
    exchange(0, ledger, other);
    drain(1, other.bucket);
    one.bucket.take(2, 1);
    exchange(2, ledger, one);
    drain(3, one.bucket);
    exchange(3, ledger, one);
    const refused = (nowMs: number): boolean => {
      if (one.bucket.canTake(nowMs, 1)) return false;
      one.bucket.miss(nowMs, 1);
      return true;
    };
    expect(refused(100)).toBe(true);
    // Unused, and on its way back.
    other.bucket.refund(200, 4);
    exchange(200, ledger, other);
    exchange(2_000, ledger, other);
    expect([refused(2_100), one.bucket.quiet]).toEqual([true, false]);
    exchange(2_600, ledger, one);
    expect(refused(2_601)).toBe(false);
  });

  it('refuses nobody while what it gave back is on its way', () => {
    const { ledger, all } = fleet(1, 2, 5);
    const [one] = all as [Process];
    one.bucket.take(0, 3);
    exchange(0, ledger, one);
    const report = one.bucket.report(1_000);
    expect(report).toMatchObject({ held: 0, spent: 3 });
    expect(one.bucket.take(1_001, 1)).toBe(true);
    if (report !== undefined) one.bucket.settle(1_002, report, ledger.tell(1_002, one.id, report));
    expect(one.bucket.tokens(1_002)).toBeCloseTo(3, 1);
    exchange(1_003, ledger, one);
    expect(one.bucket.tokens(1_003)).toBeCloseTo(3, 1);
  });

  it('keeps nothing of a bucket that is little used: another finds it there', () => {
    const { ledger, all } = fleet(8, 10, 10);
    for (const process of all) {
      expect(process.bucket.take(0, 1)).toBe(true);
      exchange(0, ledger, process);
      expect([process.bucket.held, process.bucket.quiet]).toEqual([0, true]);
    }
    const [one] = all as [Process];
    // Two are left; an eighth of them is less than one token, and yet there is one for whoever comes.
    expect(one.bucket.canTake(0, 1)).toBe(true);
  });

  it('takes on credit the token that must have come meanwhile, but one only before it hears of it', () => {
    const { ledger, all } = fleet(8, 10, 1);
    const [one] = all as [Process];
    one.bucket.take(0, 1);
    exchange(0, ledger, one);
    expect([one.bucket.take(50, 1), one.bucket.msUntil(50, 1)]).toEqual([false, 50]);
    // Its share of the refill alone would take eight tenths of a second.
    expect([one.bucket.take(100, 1), one.bucket.take(400, 1)]).toEqual([true, false]);
  });

  it('says again what was not acknowledged', () => {
    const { ledger, all } = fleet(1, 0.001, 100);
    const [one] = all as [Process];
    for (let count = 0; count < 30; count += 1) one.bucket.take(0, 1);
    const lost = one.bucket.report(0);
    // The first never arrives, the second is done but its answer is lost: neither changes what is left.
    const unheard = one.bucket.report(1);
    if (lost === undefined || unheard === undefined) throw new Error('nothing to say');
    ledger.tell(1, one.id, unheard);
    exchange(2, ledger, one);
    expect(Math.round(one.bucket.tokens(2))).toBe(70);
    // One that arrives when it is no news changes nothing.
    expect(ledger.tell(3, one.id, lost).granted).toBe(0);
    exchange(4, ledger, one);
    expect(Math.round(one.bucket.tokens(4))).toBe(70);
  });

  it('lives on its share while the ledger is away, and begins with what it holds', () => {
    const { ledger, all } = fleet(4, 100, 40);
    const [one] = all as [Process];
    drain(0, one.bucket);
    exchange(0, ledger, one);
    const held = one.bucket.held;
    one.bucket.part(0);
    expect(one.bucket.away).toBe(true);
    expect(drain(0, one.bucket)).toBe(Math.min(10, held));
    // A quarter of the rate.
    expect(drain(1_000, one.bucket)).toBe(10);
    expect(drain(1_100, one.bucket)).toBe(2);
  });

  it('lives on less of its share where it is less important', () => {
    const onNews = (): void => {};
    const bucket = new PrepaidBucket({
      limit: { refillPerSecond: 100, burst: 400 },
      sharers: () => 4,
      awayFactor: 0.25,
      onNews,
    });
    drain(0, bucket);
    bucket.part(0);
    expect(drain(1_000, bucket)).toBe(6);
  });

  it('brings no burst back from an outage', () => {
    const { ledger, all } = fleet(4, 100, 40);
    for (const process of all) {
      drain(0, process.bucket);
      exchange(0, ledger, process);
      process.bucket.part(0);
    }
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 10) for (const { bucket } of all) drain(nowMs, bucket);
    let admitted = 0;
    for (const process of all) {
      exchange(10_000, ledger, process);
      admitted += drain(10_000, process.bucket);
    }
    expect(admitted).toBeLessThanOrEqual(4);
  });

  it('starts with an empty bucket where the ledger has lost it', () => {
    const { ledger, all } = fleet(2, 100, 40);
    const [one, other] = all as [Process, Process];
    for (const process of all) {
      drain(0, process.bucket);
      exchange(0, ledger, process);
      drain(0, process.bucket);
    }
    ledger.flush();
    exchange(10, ledger, one);
    exchange(10, ledger, other);
    expect(one.bucket.held + other.bucket.held).toBe(0);
  });

  it('refunds what was not used', () => {
    const { ledger, all } = fleet(1, 10, 20);
    const [one] = all as [Process];
    one.bucket.take(0, 5);
    one.bucket.refund(0, 5);
    exchange(0, ledger, one);
    expect(one.bucket.tokens(0)).toBe(20);
    one.bucket.take(0, 5);
    one.bucket.refund(0, 5);
    expect(one.bucket.tokens(0)).toBe(20);
  });

  it('leaves tokens to others where it is told to', () => {
    const { ledger, all } = fleet(1, 10, 20);
    const [one] = all as [Process];
    expect([one.bucket.canTake(0, 1, 19), one.bucket.canTake(0, 1, 20)]).toEqual([true, false]);
    one.bucket.take(0, 1);
    exchange(0, ledger, one);
    expect([one.bucket.canTake(0, 1, 18), one.bucket.canTake(0, 1, 19)]).toEqual([true, false]);
  });

  it('counts what others have prepaid with what is left to others', () => {
    const { ledger, all } = fleet(4, 10, 400);
    for (const process of all) {
      process.bucket.take(0, 4);
      exchange(0, ledger, process);
      expect(process.bucket.held).toBeGreaterThan(80);
    }
    const [one, other] = all as [Process, Process];
    // Everything is prepaid but for what was spent, and it has to hear of it.
    expect(ledger.tell(0, 'nobody', still(1)).others).toBe(384);
    one.bucket.take(0, 1);
    exchange(0, ledger, one);
    expect([one.bucket.canTake(0, 1, 200), one.bucket.msUntil(0, 1, 200)]).toEqual([true, 0]);
    // Others spend theirs: reports may not have the rest, and hear so even where they were refused before.
    for (const process of all.slice(1)) {
      process.bucket.take(0, 90);
      exchange(0, ledger, process);
      drain(0, process.bucket);
      exchange(0, ledger, process);
    }
    one.bucket.miss(60, 1);
    exchange(60, ledger, one);
    expect([one.bucket.canTake(60, 1), one.bucket.canTake(60, 1, 200)]).toEqual([true, false]);
    expect(one.bucket.msUntil(60, 1, 200)).toBeGreaterThan(5_000);
    expect(other.bucket.canTake(60, 1, 200)).toBe(false);
  });

  it('gives back what only those may take who do not come', () => {
    const { ledger, all } = fleet(2, 10, 100);
    const [one, other] = all as [Process, Process];
    one.bucket.take(0, 30);
    exchange(0, ledger, one);
    drain(0, other.bucket);
    exchange(0, ledger, other);
    for (let nowMs = 0; nowMs < 1_500; nowMs += 50) {
      if (!one.bucket.canTake(nowMs, 1, 50)) one.bucket.miss(nowMs, 1);
      exchange(nowMs, ledger, one);
    }
    expect(one.bucket.held).toBe(0);
  });

  it('gives back what a stricter limit does not allow, and goes by a laxer one again', () => {
    const limit = { refillPerSecond: 1_000, burst: 1_000 };
    const bucket = new PrepaidBucket({ limit, sharers: () => 1, onNews: () => {} });
    const ledger = new TokenLedger(1_000, 1_000);
    const one: Process = { id: 'one', bucket, urgent: false };
    drain(0, bucket, 300);
    exchange(0, ledger, one);
    expect(bucket.held).toBeGreaterThan(100);
    Object.assign(limit, { refillPerSecond: 1, burst: 20 });
    expect(bucket.tokens(10)).toBe(20);
    exchange(10, ledger, one);
    expect(bucket.held).toBeLessThanOrEqual(20);
    expect(bucket.msUntil(10, 21)).toBe(Number.POSITIVE_INFINITY);
    Object.assign(limit, { refillPerSecond: 1_000, burst: 1_000 });
    exchange(20, ledger, one);
    expect(bucket.tokens(20)).toBeGreaterThan(20);
  });

  it('refuses senseless settings', () => {
    const rest = { sharers: () => 1, onNews: () => {} };
    expect(() => new PrepaidBucket({ ...rest, limit: { refillPerSecond: -1, burst: 1 } })).toThrow(
      /refillPerSecond is -1/,
    );
    expect(() => new PrepaidBucket({ ...rest, limit: { refillPerSecond: 1, burst: 0 } })).toThrow(/burst is 0/);
  });
});
