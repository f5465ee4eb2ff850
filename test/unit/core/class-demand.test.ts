import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClassDemand } from '../../../src/core/class-demand.js';
import { PRIORITY_RANKS, type PriorityRank } from '../../../src/core/priority.js';

function asked(counts: readonly number[], nowMs = 1_000): ClassDemand {
  const demand = new ClassDemand();
  for (const rank of PRIORITY_RANKS) for (let n = counts[rank] ?? 0; n > 0; n--) demand.ask(nowMs, rank);
  return demand;
}

describe('ClassDemand', () => {
  it.each<[share: number, parts: readonly number[]]>([
    [0, [0, 0, 0, 0]],
    [0.05, [0.5, 0, 0, 0]],
    [0.1, [1, 0, 0, 0]],
    [0.2, [1, 1, 0, 0]],
    [0.4, [1, 1, 0.5, 0]],
    [0.8, [1, 1, 1, 0.5]],
    [1, [1, 1, 1, 1]],
  ])('fills a share of %d from the top class down', (share, parts) => {
    const demand = asked([10, 10, 40, 40]);
    expect(PRIORITY_RANKS.map((rank) => demand.part(1_000, rank, share))).toEqual(
      parts.map((part) => expect.closeTo(part, 9)),
    );
  });

  it('gives everything to the only class that asks, whichever it is', () => {
    for (const rank of PRIORITY_RANKS) {
      const demand = new ClassDemand();
      for (let n = 0; n < 20; n++) demand.ask(0, rank);
      expect(demand.part(0, rank, 0.05)).toBeCloseTo(0.05, 9);
    }
  });

  it('forgets: half of it in a quarter of a second, all of it in a few', () => {
    const demand = asked([100, 0, 0, 100]);
    expect(demand.shareFor(1_000, 0)).toBe(0.5);
    for (let n = 0; n < 50; n++) demand.ask(1_250, 3);
    expect(demand.shareFor(1_250, 0)).toBeCloseTo(1 / 3, 9);
    expect(demand.shareFor(10_000, 3)).toBe(1);
    expect(demand.part(10_000, 3, 0.05)).toBe(0);
  });

  it('knows how long ago a more important class asked of which something is left behind', () => {
    const demand = asked([1, 0, 1, 0]);
    const since = (rank: PriorityRank, share: number) => demand.sinceMoreImportantMs(1_040, rank, share);
    expect([since(0, 0), since(1, 0), since(2, 0), since(3, 0)]).toEqual([Infinity, 40, 40, 40]);
    // Half is room enough for the top class, and for nobody else.
    expect([since(1, 0.5), since(2, 0.5)]).toEqual([Infinity, Infinity]);
    expect(since(3, 0.5)).toBe(40);
  });

  it('property: the parts of all classes make up the share, and no class gets any before the one above has all', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), (asks, share) => {
        const demand = asked(asks);
        const parts = PRIORITY_RANKS.map((rank) => demand.part(1_000, rank, share));
        const all = asks.reduce((sum, count) => sum + count, 0);
        const through = parts.reduce((sum, part, rank) => sum + part * (asks[rank] ?? 0), 0);
        expect(through).toBeCloseTo(share * all, 6);
        for (const rank of PRIORITY_RANKS.slice(1)) {
          const aboveWhole = parts.slice(0, rank).every((part, above) => part > 1 - 1e-9 || asks[above] === 0);
          if ((parts[rank] ?? 0) > 0 && (asks[rank] ?? 0) > 0) expect(aboveWhole).toBe(true);
        }
      }),
    );
  });
});
