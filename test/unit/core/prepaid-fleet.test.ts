import { describe, expect, it } from 'vitest';
import type { PriorityRank } from '../../../src/core/priority.js';
import { TotalRate } from '../../../src/rate-limit/total-rate.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { Overshoot } from '../../support/overshoot.js';
import { drain, exchange, fleet, type Process } from '../../support/token-fleet.js';

describe('a fleet of PrepaidBuckets', () => {
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

  /** What a fleet refuses of even demand that falls on its processes at random; answers of the ledger take 2 ms. */
  function refusedOf(count: number, rate: number, burst: number, perSecond: number): number {
    const { ledger, all } = fleet(count, rate, burst);
    const random = seededRandom(7);
    let [asked, refused] = [0, 0];
    const answers: { readonly atMs: number; readonly settle: () => void }[] = [];
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1) {
      while (answers[0] !== undefined && answers[0].atMs <= nowMs) answers.shift()?.settle();
      for (; asked < (nowMs * perSecond) / 1_000; asked += 1) {
        if (all[Math.floor(random() * count)]?.bucket.take(nowMs, 1) !== true) refused += 1;
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
    return refused / asked;
  }

  it.each([
    [5, 0],
    [9, 0.01],
  ])('refuses nobody at %i of 10 a second, however the requests fall on 8 processes', (perSecond, refusable) => {
    expect(refusedOf(8, 10, 10, perSecond)).toBeLessThanOrEqual(refusable);
  });

  it.each([
    [8, 200, 20, 100],
    [4, 1_000, 100, 900],
  ])(
    'keeps no tokens from each other on %i processes, where %i a second with a burst of %i refill it in 0.1 s',
    (count, rate, burst, perSecond) => {
      expect(refusedOf(count, rate, burst, perSecond)).toBeLessThanOrEqual(0.01);
    },
  );

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
          const taken = rank.canTake(nowMs, 1, 3);
          if (taken) rank.take(nowMs, 1, 3);
          else rank.miss(nowMs, 1, 3);
          asked += 1;
          admitted += taken ? 1 : 0;
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

  interface Mix {
    /** The more important class: its rank, and what it asks for a second. */
    readonly rank: PriorityRank;
    readonly most: number;
    /** Reports that are asked for a second. */
    readonly reports: number;
    /** Whether each class has two of the four processes for itself. */
    readonly apart: boolean;
  }

  /** What four processes admit a second of either class once it has settled, and how often they ask the ledger. */
  function classesOf(rate: number, burst: number, { rank, most, reports, apart }: Mix): Record<string, number> {
    const { ledger, all } = fleet(4, rate, burst);
    const random = seededRandom(7);
    const over = new Overshoot(rate);
    const answers: { readonly atMs: number; readonly settle: () => void }[] = [];
    const classes = [
      { rank: 3 as PriorityRank, perSecond: reports, from: apart ? 2 : 0, asked: 0, admitted: 0 },
      { rank, perSecond: most, from: 0, asked: 0, admitted: 0 },
    ];
    let exchanges = 0;
    for (let nowMs = 0; nowMs < 12_000; nowMs += 1) {
      while (answers[0] !== undefined && answers[0].atMs <= nowMs) answers.shift()?.settle();
      for (const one of classes) {
        for (; one.asked < (nowMs * one.perSecond) / 1_000; one.asked += 1) {
          const { bucket } = all[one.from + Math.floor(random() * (apart ? 2 : 4))] as Process;
          const total = new TotalRate(bucket);
          const taken = total.canTake(nowMs, 1, one.rank);
          if (taken) total.take(nowMs, 1, one.rank);
          else total.miss(nowMs, 1, one.rank);
          over.at(nowMs, taken ? 1 : 0);
          if (taken && nowMs >= 2_000) one.admitted += 1;
        }
      }
      for (const [index, process] of all.entries()) {
        if ((nowMs + 7 * index) % (process.urgent ? 5 : 50) !== 0) continue;
        process.urgent = false;
        const report = process.bucket.report(nowMs);
        if (report === undefined) continue;
        exchanges += 1;
        const reply = ledger.tell(nowMs, process.id, report);
        answers.push({ atMs: nowMs + 2, settle: () => process.bucket.settle(nowMs + 2, report, reply) });
      }
    }
    const [low = 0, high = 0] = classes.map(({ admitted }) => admitted / 10);
    return { high, low, exchanges: exchanges / 12, over: over.most };
  }

  it.each<[number, number, Mix]>([
    [1_000, 1_000, { rank: 0, most: 600, reports: 2_000, apart: true }],
    [1_000, 1_000, { rank: 0, most: 600, reports: 2_000, apart: false }],
    [1_000, 400, { rank: 0, most: 900, reports: 2_000, apart: true }],
    [200, 100, { rank: 0, most: 120, reports: 1_000, apart: true }],
    [200, 100, { rank: 0, most: 120, reports: 1_000, apart: false }],
    [200, 200, { rank: 0, most: 20, reports: 1_000, apart: false }],
    [2_000, 4_000, { rank: 0, most: 1_200, reports: 4_000, apart: true }],
    [1_000, 1_000, { rank: 1, most: 600, reports: 2_000, apart: true }],
    [1_000, 1_000, { rank: 1, most: 600, reports: 2_000, apart: false }],
    [1_000, 1_000, { rank: 2, most: 600, reports: 2_000, apart: false }],
    [200, 100, { rank: 1, most: 120, reports: 1_000, apart: false }],
    [1_000, 300, { rank: 0, most: 600, reports: 2_000, apart: true }],
    [1_000, 400, { rank: 0, most: 0, reports: 2_000, apart: true }],
  ])('leaves of %i a second with a burst of %i to the more important what they ask for: %o', (rate, burst, mix) => {
    const { high = 0, low = 0, exchanges, over } = classesOf(rate, burst, mix);
    expect(high).toBeGreaterThanOrEqual(0.98 * mix.most);
    expect(high + low).toBeGreaterThan(0.97 * rate);
    expect(exchanges).toBeLessThan(100);
    expect(over).toBeLessThanOrEqual(2 * burst);
  });
});
