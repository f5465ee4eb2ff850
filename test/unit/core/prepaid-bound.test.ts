import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TOKEN_LEASE_MS, type TokenReply, type TokenReport } from '../../../src/core/token-report.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { Overshoot } from '../../support/overshoot.js';
import { drain, exchange, fleet, type Process } from '../../support/token-fleet.js';

/** What N processes may spend on credit, together. */
function credit(count: number, burst: number): number {
  return count * Math.max(1, burst / count);
}

const ROUNDING = 1e-6;

describe('what a fleet of PrepaidBuckets admits, whatever happens to single reports', () => {
  const ask = fc.record({ kind: fc.constant('ask' as const), count: fc.integer({ min: 1, max: 60 }) });
  const usual = [
    { weight: 6, arbitrary: ask },
    { weight: 6, arbitrary: fc.constant({ kind: 'exchange' as const }) },
    // The ledger hears of it, but its answer is lost.
    { weight: 1, arbitrary: fc.constant({ kind: 'unheard' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'pause' as const }) },
  ];
  const outages = [
    { weight: 1, arbitrary: fc.constant({ kind: 'part' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'allPart' as const }) },
  ];
  type What = { readonly kind: 'ask'; readonly count: number } | { readonly kind: Exclude<string, 'ask'> };
  interface Step {
    readonly afterMs: number;
    readonly who: number;
    readonly what: What;
  }
  const stepsOf = (what: fc.Arbitrary<What>): fc.Arbitrary<Step[]> => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 120 }), who: fc.nat({ max: 3 }), what });
    return fc.array(step, { minLength: 40, maxLength: 400 });
  };
  const rates = fc.constantFrom(0.5, 20, 200);
  const bursts = fc.constantFrom(2, 8, 40, 100);

  /** By how much four processes exceed the rate in the window in which they exceed it most. */
  function overshoot(rate: number, burst: number, steps: readonly Step[]): number {
    const { ledger, all } = fleet(4, rate, burst);
    const over = new Overshoot(rate);
    let nowMs = 0;
    for (const { afterMs, who, what } of steps) {
      nowMs += afterMs;
      const process = all[who] as Process;
      if (what.kind === 'pause') nowMs += 2_500;
      else if (what.kind === 'part') process.bucket.part(nowMs);
      else if (what.kind === 'allPart') for (const { bucket } of all) bucket.part(nowMs);
      else if (what.kind === 'exchange') exchange(nowMs, ledger, process);
      else if (what.kind === 'unheard') {
        const report = process.bucket.report(nowMs);
        if (report !== undefined) ledger.tell(nowMs, process.id, report);
      } else if ('count' in what) over.at(nowMs, drain(nowMs, process.bucket, what.count));
    }
    return over.most;
  }

  it('property: no more than R x T + B + N x n in any time T', () => {
    fc.assert(
      fc.property(rates, bursts, stepsOf(fc.oneof(...usual)), (rate, burst, steps) => {
        expect(overshoot(rate, burst, steps)).toBeLessThanOrEqual(burst + credit(4, burst) + ROUNDING);
      }),
      { numRuns: 300 },
    );
  });

  it('property: outages add no more than what every process may have prepaid', () => {
    fc.assert(
      fc.property(rates, bursts, stepsOf(fc.oneof(...usual, ...outages)), (rate, burst, steps) => {
        expect(overshoot(rate, burst, steps)).toBeLessThanOrEqual(burst + 2 * credit(4, burst) + ROUNDING);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what a fleet of PrepaidBuckets admits whose ledger answers some of them, some of the time', () => {
  const RATE = 200;
  const BURST = 40;
  const STEP_MS = 5;
  const HEARD_EVERY_MS = 400;

  /** Everybody always asks. Who is away is heard by the ledger all the same, every so often, as behind a slow network. */
  function overshoot(seed: number, awayMs: number, upMs: number): number {
    const { ledger, all } = fleet(4, RATE, BURST);
    const over = new Overshoot(RATE);
    const random = seededRandom(seed);
    const turnsAtMs = all.map(() => upMs * random());
    const tellsAtMs = all.map(() => 0);
    for (let nowMs = 0; nowMs < 20_000; nowMs += STEP_MS) {
      for (const [index, process] of all.entries()) {
        const { bucket, id } = process;
        over.at(nowMs, drain(nowMs, bucket, 10));
        if (nowMs >= (turnsAtMs[index] ?? 0)) {
          if (bucket.away) exchange(nowMs, ledger, process);
          else bucket.part(nowMs);
          turnsAtMs[index] = nowMs + (bucket.away ? awayMs : upMs) * (0.5 + random());
        } else if (!bucket.away && nowMs % 20 === 0) exchange(nowMs, ledger, process);
        else if (bucket.away && nowMs >= (tellsAtMs[index] ?? 0)) {
          const report = bucket.report(nowMs);
          if (report !== undefined) ledger.tell(nowMs, id, report);
          tellsAtMs[index] = nowMs + HEARD_EVERY_MS;
        }
      }
    }
    return over.most;
  }

  it.each([
    [300, 300],
    [800, 200],
    [3_000, 1_000],
  ])('no more than R x T + B + N x n, and what refills until it is heard (%i ms away, %i ms not)', (awayMs, upMs) => {
    const most = BURST + credit(4, BURST) + (RATE * HEARD_EVERY_MS) / 1_000;
    for (let seed = 0; seed < 10; seed += 1) expect(overshoot(seed, awayMs, upMs)).toBeLessThanOrEqual(most);
  });
});

describe('what a fleet of PrepaidBuckets admits where each has its own rhythm, for long', () => {
  // Instants in units of what one token takes to refill: some report a hundred times in it, some are silent for long.
  const habit = fc.record({
    asksEvery: fc.constantFrom(0.3, 1, 3, 10),
    asksFor: fc.constantFrom(1, 2, 60),
    reportsEvery: fc.constantFrom(0.1, 0.5, 1, 5, 20, 100),
    answeredAfter: fc.constantFrom(0, 0.5, 2),
    loses: fc.constantFrom(0, 0, 0.3),
  });
  type Habit = typeof habit extends fc.Arbitrary<infer T> ? T : never;

  class Actor {
    readonly #habit: Habit;
    readonly #process: Process;
    readonly #unitMs: number;
    readonly #random: () => number;
    #asksAtMs = 0;
    #reportsAtMs = 0;
    #answer: { readonly atMs: number; readonly report: TokenReport; readonly reply: TokenReply } | undefined;

    constructor(process: Process, habit: Habit, rate: number, random: () => number) {
      this.#process = process;
      this.#habit = habit;
      this.#unitMs = 1_000 / rate;
      this.#random = random;
      this.#reportsAtMs = this.#after(0, habit.reportsEvery);
    }

    get nextAtMs(): number {
      return Math.min(this.#asksAtMs, this.#reportsAtMs, this.#answer?.atMs ?? Number.POSITIVE_INFINITY);
    }

    /** Does what is due. @returns What was admitted. */
    act(nowMs: number, tell: (id: string, report: TokenReport) => TokenReply): number {
      const { bucket, id } = this.#process;
      const { asksEvery, asksFor, reportsEvery, answeredAfter, loses } = this.#habit;
      if (this.#answer !== undefined && this.#answer.atMs <= nowMs) {
        bucket.settle(nowMs, this.#answer.report, this.#answer.reply);
        this.#answer = undefined;
      }
      if (this.#reportsAtMs <= nowMs) {
        this.#reportsAtMs = this.#after(nowMs, reportsEvery);
        const report = this.#answer === undefined ? bucket.report(nowMs) : undefined;
        const reply = report && tell(id, report);
        if (report && reply && this.#random() >= loses) {
          this.#answer = { atMs: nowMs + answeredAfter * this.#unitMs * this.#random(), report, reply };
        }
      }
      if (this.#asksAtMs > nowMs) return 0;
      this.#asksAtMs = this.#after(nowMs, asksEvery);
      return drain(nowMs, bucket, asksFor);
    }

    #after(nowMs: number, units: number): number {
      return nowMs + units * this.#unitMs * (0.5 + this.#random());
    }
  }

  const rates = fc.constantFrom(0.5, 3, 20, 200);
  const bursts = fc.constantFrom(2, 3, 5, 8, 12, 40, 100);
  const habits = fc.array(habit, { minLength: 2, maxLength: 8 });

  it('property: no more than R x T + B + N x n in any time T', () => {
    fc.assert(
      fc.property(rates, bursts, habits, fc.nat(), (rate, burst, all, seed) => {
        const { ledger, all: processes } = fleet(all.length, rate, burst);
        const random = seededRandom(seed);
        const actors = all.map((one, index) => new Actor(processes[index] as Process, one, rate, random));
        const over = new Overshoot(rate);
        for (let event = 0; event < 400; event += 1) {
          const next = actors.reduce((one, other) => (other.nextAtMs < one.nextAtMs ? other : one));
          const nowMs = next.nextAtMs;
          over.at(
            nowMs,
            next.act(nowMs, (id, report) => ledger.tell(nowMs, id, report)),
          );
        }
        expect(over.most).toBeLessThanOrEqual(burst + credit(all.length, burst) + ROUNDING);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('what a PrepaidBucket may no longer take', () => {
  it('is what was prepaid when the ledger has not heard of it for a lease', () => {
    const { ledger, all } = fleet(2, 10, 100);
    const [one, other] = all as [Process, Process];
    one.bucket.take(0, 50);
    exchange(0, ledger, one);
    expect(one.bucket.held).toBe(50);
    expect(one.bucket.canTake(TOKEN_LEASE_MS - 1, 50)).toBe(true);
    // Who stalled for so long finds that another has it: what is left is credit, and is told.
    one.bucket.take(1, 31);
    other.bucket.take(TOKEN_LEASE_MS, 50);
    exchange(TOKEN_LEASE_MS, ledger, other);
    expect(drain(TOKEN_LEASE_MS, one.bucket)).toBe(50);
    const report = exchange(TOKEN_LEASE_MS, ledger, one);
    // Those that were prepaid are not charged again.
    expect(report).toMatchObject({ held: 0, spent: 131, acknowledged: 81 });
  });

  it('is what an answer grants that comes after the next report', () => {
    const { ledger, all } = fleet(2, 10, 100);
    const [one] = all as [Process];
    one.bucket.take(0, 50);
    const early = one.bucket.report(0) as TokenReport;
    const granted = ledger.tell(0, one.id, early);
    expect(granted.granted).toBe(50);
    one.bucket.miss(0, 1);
    const later = one.bucket.report(0) as TokenReport;
    const reply = ledger.tell(0, one.id, later);
    one.bucket.settle(1, early, granted);
    expect(one.bucket.held).toBe(0);
    one.bucket.settle(1, later, reply);
    expect(one.bucket.held).toBe(reply.granted);
  });

  it('is what it owes already, however it comes to live on credit', () => {
    const { ledger, all } = fleet(2, 40, 20);
    const [one, other] = all as [Process, Process];
    drain(0, other.bucket);
    exchange(0, ledger, other);
    one.bucket.take(0, 3);
    const report = one.bucket.report(0) as TokenReport;
    const reply = ledger.tell(0, one.id, report);
    expect(reply.granted).toBe(0);
    expect(drain(0, one.bucket)).toBe(7);
    one.bucket.settle(0, report, reply);
    expect(one.bucket.canTake(2_000, 1)).toBe(false);
    // Nobody asked for two seconds: it needs nothing prepaid, and the ledger is on its way to hear of the seven.
    expect(one.bucket.report(2_000)).toMatchObject({ spent: 10, acknowledged: 3, held: 0 });
    expect(drain(2_000, one.bucket)).toBe(3);
  });

  it('is what was given back to it for a request of before, until the ledger has heard and has room', () => {
    const { ledger, all } = fleet(1, 10, 20);
    const [one] = all as [Process];
    one.bucket.take(0, 5);
    exchange(0, ledger, one);
    exchange(200, ledger, one);
    expect(one.bucket.held).toBe(17);
    one.bucket.refund(200, 5);
    expect(one.bucket.held).toBe(17);
    exchange(200, ledger, one);
    // Two that were refilled meanwhile overflow, as they do in the bucket of one process.
    expect(one.bucket.held).toBe(20);
  });
});
