import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TotalRate } from '../../../src/rate-limit/total-rate.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { drain, exchange, fleet, type Process } from '../../support/token-fleet.js';

/** The most that was admitted in any window beyond `rate x window`. */
class Overshoot {
  #rate: number;
  #admitted = 0;
  #least = 0;
  most = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  at(nowMs: number, admitted: number): void {
    const refilled = (nowMs * this.#rate) / 1_000;
    this.#least = Math.min(this.#least, this.#admitted - refilled);
    this.#admitted += admitted;
    this.most = Math.max(this.most, this.#admitted - refilled - this.#least);
  }
}

describe('a fleet of PrepaidBuckets', () => {
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
      } else if ('count' in what) {
        let admitted = 0;
        for (let count = 0; count < what.count; count += 1) if (process.bucket.take(nowMs, 1)) admitted += 1;
        over.at(nowMs, admitted);
      }
    }
    return over.most;
  }

  const credit = (burst: number): number => 4 * Math.max(1, burst / 4);
  // Where processes are silent for seconds a search has found up to 0.96 of a token beyond R x T + B + N x n.
  const FOUND_BEYOND = 1;

  it('property: no more than R x T + B + N x n, and one, in any time T, whatever answer is lost', () => {
    fc.assert(
      fc.property(rates, bursts, stepsOf(fc.oneof(...usual)), (rate, burst, steps) => {
        expect(overshoot(rate, burst, steps)).toBeLessThanOrEqual(burst + credit(burst) + FOUND_BEYOND);
      }),
      { numRuns: 300 },
    );
  });

  it('property: outages add no more than what every process may have prepaid', () => {
    fc.assert(
      fc.property(rates, bursts, stepsOf(fc.oneof(...usual, ...outages)), (rate, burst, steps) => {
        expect(overshoot(rate, burst, steps)).toBeLessThanOrEqual(burst + 2 * credit(burst) + FOUND_BEYOND);
      }),
      { numRuns: 300 },
    );
  });

  it('spends all that there is under demand, and not more', () => {
    const [rate, burst] = [1_000, 100];
    const { ledger, all } = fleet(8, rate, burst);
    const over = new Overshoot(rate);
    let admitted = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1) {
      for (const [index, process] of all.entries()) {
        // Twice the rate in all; each reports about every 50 ms, or 5 ms after it ran low.
        const asked = (nowMs + index) % 4 === 0 && process.bucket.take(nowMs, 1) ? 1 : 0;
        over.at(nowMs, asked);
        admitted += asked;
        if ((nowMs + 7 * index) % (process.urgent ? 5 : 50) !== 0) continue;
        process.urgent = false;
        exchange(nowMs, ledger, process);
      }
    }
    expect(over.most).toBeLessThanOrEqual(burst + 1e-6);
    expect(admitted).toBeLessThanOrEqual(rate * 10 + burst);
    expect(admitted).toBeGreaterThanOrEqual(0.99 * (rate * 10 + burst));
  });

  it.each([
    [5, 0],
    [9, 0.01],
  ])('refuses nobody at %i of 10 a second, however the requests fall on 8 processes', (perSecond, refusable) => {
    const [rate, burst] = [10, 10];
    const { ledger, all } = fleet(8, rate, burst);
    const random = seededRandom(7);
    let [asked, refused] = [0, 0];
    const answers: { readonly atMs: number; readonly settle: () => void }[] = [];
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1) {
      while (answers[0] !== undefined && answers[0].atMs <= nowMs) answers.shift()?.settle();
      for (; asked < (nowMs * perSecond) / 1_000; asked += 1) {
        if (all[Math.floor(random() * 8)]?.bucket.take(nowMs, 1) !== true) refused += 1;
      }
      for (const [index, process] of all.entries()) {
        if ((nowMs + 7 * index) % (process.urgent ? 5 : 50) !== 0) continue;
        process.urgent = false;
        // Those that have nothing to say are not asked.
        if (process.bucket.quiet) continue;
        const report = process.bucket.report(nowMs);
        if (report === undefined) continue;
        const reply = ledger.tell(nowMs, process.id, report);
        answers.push({ atMs: nowMs + 2, settle: () => process.bucket.settle(nowMs + 2, report, reply) });
      }
    }
    expect(refused / asked).toBeLessThanOrEqual(refusable);
  });

  it.each([1, 4, 12])('serves reports on %i processes while tokens are unused, and leaves the last half', (count) => {
    const [rate, burst] = [200, 400];
    const { ledger, all } = fleet(count, rate, burst);
    /** One class alone, evenly over the processes; what it got of what it asked for. */
    const ask = (fromMs: number, perSecond: number): { asked: number; admitted: number } => {
      let [asked, admitted] = [0, 0];
      for (let nowMs = fromMs; nowMs < fromMs + 4_000; nowMs += 1) {
        while (asked < ((nowMs - fromMs) * perSecond) / 1_000) {
          const { bucket } = all[asked % count] as Process;
          const rank = new TotalRate(bucket);
          const short = rank.short(nowMs, 1, 3);
          if (short === undefined) rank.take(nowMs, 1);
          else short.miss(nowMs, 1);
          asked += 1;
          admitted += short === undefined ? 1 : 0;
        }
        for (const [index, process] of all.entries()) {
          if ((nowMs + 7 * index) % (process.urgent ? 5 : 50) !== 0) continue;
          process.urgent = false;
          exchange(nowMs, ledger, process);
        }
      }
      return { asked, admitted };
    };
    const gentle = ask(0, 150);
    expect(gentle.admitted).toBe(gentle.asked);
    // Ten times the rate: the half of the burst that is not kept for others, and what refills until the news of it.
    expect(ask(4_000, 2_000).admitted).toBeLessThanOrEqual(rate * 4.1 + burst / 2 + count);
    // What is left is there for the checkouts, wherever they come.
    for (const process of all) exchange(8_000, ledger, process);
    const left = all.reduce((sum, { bucket }) => sum + drain(8_000, bucket), 0);
    for (const process of all) exchange(8_000, ledger, process);
    const rest = all.reduce((sum, { bucket }) => sum + drain(8_000, bucket), 0);
    expect(left + rest).toBeGreaterThan(0.4 * burst);
  });
});
