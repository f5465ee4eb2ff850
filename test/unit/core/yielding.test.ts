import { describe, expect, it } from 'vitest';
import { type Occupation, Yielding } from '../../../src/core/yielding.js';

const SEATS = 8;
const MIN_SEATS = 2;

/** The pool that yields, the other one, and a server on which each of the first pool's seats in use slows the other. */
class TwoPools {
  readonly yielding: Yielding;
  nowMs = 0;
  other: Occupation = { seats: 16, inFlight: 1, queued: 0 };
  /** Whether what runs leaves the seats that are given up. */
  stuck = false;
  /** How many seats the yielding pool would use. */
  wanted = 0;
  loansPerSecond = 100;
  /** Database time of the other pool, for so many seats in use by the first. */
  databaseMs = (inFlight: number): number => 5 + 5 * inFlight;
  limits: number[] = [];

  constructor(targetMs?: number) {
    this.yielding = new Yielding(0, { seats: SEATS, minSeats: MIN_SEATS, targetMs });
  }

  get own(): Occupation {
    return {
      seats: this.yielding.limit,
      inFlight: this.stuck ? SEATS : Math.min(this.wanted, this.yielding.limit),
      queued: 0,
    };
  }

  run(forMs: number): void {
    const { other } = this;
    const everyMs = 1_000 / this.loansPerSecond;
    const untilMs = this.nowMs + forMs;
    let nextLoanMs = this.nowMs + everyMs;
    let nextTickMs = this.nowMs + 100;
    while (this.nowMs < untilMs) {
      this.nowMs = Math.min(nextLoanMs, nextTickMs, untilMs);
      if (this.nowMs === nextTickMs) {
        nextTickMs += 100;
        const before = this.yielding.limit;
        this.yielding.control(this.nowMs, this.own, other);
        if (this.yielding.limit !== before) this.limits.push(this.yielding.limit);
      }
      if (this.nowMs === nextLoanMs) {
        nextLoanMs += everyMs;
        this.yielding.lent(this.nowMs, this.databaseMs(this.own.inFlight), false, this.own, other);
      }
    }
  }
}

describe('a pool that yields', () => {
  it('learns the quiet time while both are calm, and takes twice that as the target', () => {
    const pools = new TwoPools();
    expect(pools.yielding.targetMs).toBeUndefined();
    pools.run(2_000);
    expect(pools.yielding.quietMs).toBe(5);
    expect(pools.yielding.targetMs).toBe(10);
    expect(new TwoPools(25).yielding.targetMs).toBe(25);
  });

  it('gives way at once, by factors, down to what it keeps', () => {
    const pools = new TwoPools();
    pools.run(2_000);
    pools.wanted = SEATS;
    pools.run(500);
    expect(pools.yielding.limit).toBeLessThan(SEATS);
    expect(pools.yielding.reason).toBe('yielding');
    pools.run(3_000);
    expect(pools.limits).toEqual([5, 3, 2]);
    expect(pools.yielding.limit).toBe(MIN_SEATS);
  });

  it('gives way while the other has had no seat left and somebody waiting for half a second, however fast it is', () => {
    const pools = new TwoPools(1_000);
    pools.wanted = SEATS;
    const full = { seats: 16, inFlight: 16 };
    for (const other of [
      { ...full, queued: 0 },
      { ...full, inFlight: 15, queued: 9 },
    ]) {
      pools.other = other;
      pools.run(3_000);
    }
    pools.other = { ...full, queued: 1 };
    pools.run(400);
    expect(pools.limits).toEqual([]);
    pools.run(3_000);
    expect(pools.limits).toEqual([5, 3, 2]);
    expect(pools.yielding.reason).toBe('yielding');
    pools.other = { ...full, queued: 0 };
    pools.run(1_900);
    expect(pools.yielding.limit).toBe(MIN_SEATS);
    pools.run(30_000);
    expect(pools.limits.slice(3)).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it('blames nobody for those who wait an outage out', () => {
    const pools = new TwoPools(1_000);
    pools.wanted = SEATS;
    pools.other = { seats: 16, inFlight: 16, queued: 1 };
    pools.run(400);
    pools.yielding.pause(pools.nowMs);
    pools.run(400);
    expect(pools.limits).toEqual([]);
  });

  it('comes back one by one, slower than it went', () => {
    const pools = new TwoPools(20);
    pools.wanted = SEATS;
    pools.run(10_000);
    expect(pools.yielding.limit).toBeLessThanOrEqual(3);
    pools.limits = [];
    pools.databaseMs = () => 5;
    const beganAtMs = pools.nowMs;
    while (pools.yielding.limit < SEATS) pools.run(100);
    expect(pools.limits.slice(-5)).toEqual([4, 5, 6, 7, 8]);
    expect(pools.nowMs - beganAtMs).toBeGreaterThan(10_000);
    expect(pools.yielding.reason).toBe('returning');
  });

  it('settles where the target is kept, and asks for more later and later', () => {
    const pools = new TwoPools(22);
    pools.wanted = SEATS;
    pools.run(60_000);
    pools.limits = [];
    pools.run(10 * 60_000);
    // Three seats make 20 ms, which is near the target: nothing more comes back.
    expect(pools.limits).toEqual([]);
    expect(pools.yielding.limit).toBe(3);
    // Four seats make 25, which is over it: back and forth, at most every half minute.
    pools.databaseMs = (inFlight) => (inFlight > 3 ? 25 : 5);
    pools.run(60_000);
    pools.limits = [];
    pools.run(10 * 60_000);
    expect(Math.max(...pools.limits)).toBe(4);
    expect(pools.limits.length).toBeGreaterThan(10);
    expect(pools.limits.length).toBeLessThanOrEqual(60);
  });

  it.each([100, 1_000])('does not give way for one slow one in 250, at %s per second', (loansPerSecond) => {
    const pools = new TwoPools(50);
    pools.wanted = SEATS;
    pools.loansPerSecond = loansPerSecond;
    let count = 0;
    pools.databaseMs = () => (++count % 250 === 0 ? 500 : 5);
    pools.run(10 * 60_000);
    expect(pools.limits).toEqual([]);
  });

  it('judges by few only while they are a hundredth', () => {
    const pools = new TwoPools(50);
    pools.wanted = SEATS;
    let count = 0;
    pools.databaseMs = () => (++count % 50 === 0 ? 500 : 5);
    pools.run(5_000);
    expect(pools.yielding.limit).toBeLessThan(SEATS);
  });

  it('forgets what was slow long ago', () => {
    const pools = new TwoPools(50);
    pools.wanted = SEATS;
    pools.run(60_000);
    expect(pools.yielding.limit).toBe(SEATS);
    // A minute of good times does not hide what is bad now.
    pools.databaseMs = () => 60;
    pools.run(400);
    expect(pools.yielding.limit).toBeLessThan(SEATS);
  });

  it('takes its steps one after the other, when the last has taken effect or could have', () => {
    const pools = new TwoPools(10);
    pools.wanted = SEATS;
    pools.stuck = true;
    pools.run(1_900);
    expect(pools.limits).toEqual([5]);
    pools.run(2_000);
    expect(pools.limits).toEqual([5, 3]);
    const free = new TwoPools(10);
    free.wanted = SEATS;
    free.loansPerSecond = 1_000;
    free.run(1_000);
    expect(free.limits).toEqual([5, 3]);
  });

  it('returns when nobody needs the other pool any more', () => {
    const pools = new TwoPools(10);
    pools.wanted = SEATS;
    pools.run(5_000);
    expect(pools.yielding.limit).toBe(MIN_SEATS);
    pools.loansPerSecond = 0.001;
    pools.run(30_000);
    expect(pools.yielding.limit).toBe(SEATS);
  });

  it('makes room for a measurement when it was busy from the start', () => {
    const pools = new TwoPools();
    pools.wanted = SEATS;
    pools.run(1_000);
    expect(pools.yielding.reason).toBe('measuring');
    expect(pools.yielding.limit).toBe(MIN_SEATS);
    pools.run(2_000);
    expect(pools.yielding.targetMs).toBe(2 * (5 + 5 * MIN_SEATS));
  });

  it('gives up measuring what cannot be measured', () => {
    const pools = new TwoPools();
    pools.wanted = SEATS;
    pools.loansPerSecond = 2;
    pools.run(60_000);
    expect(pools.yielding.targetMs).toBeUndefined();
    expect(pools.yielding.limit).toBe(SEATS);
  });

  it('learns no quiet time while it is busy', () => {
    const pools = new TwoPools();
    pools.run(2_000);
    pools.wanted = SEATS;
    pools.run(10 * 60_000);
    expect(pools.yielding.quietMs).toBe(5);
  });

  it('learns no quiet time while the other pool is busy, nor from work that was cut short', () => {
    const pools = new TwoPools();
    pools.other = { seats: 16, inFlight: 8, queued: 0 };
    pools.run(5_000);
    expect(pools.yielding.quietMs).toBeUndefined();
    const calm = { seats: 8, inFlight: 0, queued: 0 };
    for (let loan = 0; loan < 500; loan++) pools.yielding.lent(10_000, 1, true, calm, calm);
    expect(pools.yielding.quietMs).toBeUndefined();
    for (let loan = 0; loan < 100; loan++) pools.yielding.lent(10_000, 1, false, calm, calm);
    expect(pools.yielding.quietMs).toBe(1);
  });

  it('blames nobody for an outage', () => {
    const yielding = new Yielding(0, { seats: SEATS, minSeats: MIN_SEATS, targetMs: 100 });
    const busy = { seats: SEATS, inFlight: SEATS, queued: 0 };
    for (let loan = 0; loan < 50; loan++) yielding.lent(1_000, 5_000, true, busy, busy);
    yielding.pause(1_100);
    yielding.control(1_200, busy, busy);
    expect(yielding.limit).toBe(SEATS);
  });

  it('takes work that was cut short for no proof of speed', () => {
    const yielding = new Yielding(0, { seats: SEATS, minSeats: MIN_SEATS, targetMs: 100 });
    const own = { seats: SEATS, inFlight: SEATS, queued: 0 };
    const other = { seats: 16, inFlight: 16, queued: 0 };
    for (let loan = 0; loan < 1_000; loan++) yielding.lent(loan, 1, true, own, other);
    for (let loan = 0; loan < 5; loan++) yielding.lent(1_000, 200, true, own, other);
    yielding.control(1_000, own, other);
    expect(yielding.limit).toBe(5);
  });
});
