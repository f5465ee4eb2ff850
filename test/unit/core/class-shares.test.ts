import { describe, expect, it } from 'vitest';
import { type ChargedLease, ClassShares, DEFAULT_SHARES, type Shares } from '../../../src/core/class-shares.js';
import type { PriorityRank } from '../../../src/core/priority.js';

const SEATS = 10;
/** No cap on the top class, so that nothing is owed beyond the minima. */
const MINIMA_ONLY: Shares = { cap: 1, minima: [0, 0.06, 0.03, 0.01] };

const only =
  (...ranks: PriorityRank[]) =>
  (rank: PriorityRank): boolean =>
    ranks.includes(rank);

/** A lease of a class that was charged with so many seat-milliseconds. */
function charged(accounts: ClassShares, rank: PriorityRank, expectedMs: number): ChargedLease {
  const lease = { rank, expectedMs, chargedMs: 0, chargedLowerMs: 0 };
  accounts.begin(lease, SEATS);
  return lease;
}

/** Accounts of a pool of ten seats, in which these classes waited for so long. */
function waited(shares: Shares, forMs: number, ...ranks: PriorityRank[]): ClassShares {
  const accounts = new ClassShares(shares);
  accounts.advance(0, SEATS, only(...ranks));
  accounts.advance(forMs, SEATS, only(...ranks));
  return accounts;
}

describe('ClassShares', () => {
  it('promises no more than there is', () => {
    const { cap, minima } = DEFAULT_SHARES;
    expect(cap + minima.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
  });

  it.each<[rank: PriorityRank, forMs: number, earnedSeatMs: number]>([
    [1, 100, 60],
    [1, 500, 300],
    [2, 500, 150],
    [3, 500, 50],
  ])('class %d that waited for %d ms is owed %d seat-milliseconds', (rank, forMs, earned) => {
    const accounts = waited(MINIMA_ONLY, forMs, rank);
    charged(accounts, rank, earned - 0.001);
    expect(accounts.owed(only(rank))).toBe(rank);
    charged(accounts, rank, 0.002);
    expect(accounts.owed(only(rank))).toBeUndefined();
  });

  it('owes nobody anything at the start', () => {
    expect(waited(DEFAULT_SHARES, 0, 1, 2, 3).owed(only(1, 2, 3))).toBeUndefined();
  });

  it('takes nothing away when time runs backwards', () => {
    const accounts = waited(MINIMA_ONLY, 1_000, 3);
    accounts.advance(0, SEATS, only(3));
    expect(accounts.owed(only(3))).toBe(3);
  });

  it('serves the class first that is owed most, among those that wait', () => {
    const accounts = waited(MINIMA_ONLY, 1_000, 1, 2, 3);
    expect(accounts.owed(only(1, 2, 3))).toBe(1);
    expect(accounts.owed(only(2, 3))).toBe(2);
    expect(accounts.owed(only(0))).toBeUndefined();
    charged(accounts, 1, 320);
    expect(accounts.owed(only(1, 2, 3))).toBe(2);
    charged(accounts, 2, 250);
    expect(accounts.owed(only(1, 2, 3))).toBe(1);
  });

  it('gives lower classes together what the top class leaves at its cap', () => {
    const accounts = waited({ cap: 0.9, minima: [0, 0, 0, 0] }, 1_000, 0, 3);
    charged(accounts, 3, 999);
    expect(accounts.owed(only(0, 3))).toBe(3);
    charged(accounts, 3, 2);
    expect(accounts.owed(only(0, 3))).toBeUndefined();
  });

  it('never owes the top class: it is served first anyway', () => {
    const accounts = waited({ cap: 0.5, minima: [0.5, 0, 0, 0] }, 1_000, 0);
    expect([accounts.owed(only(0)), accounts.leastServed(only(0))]).toEqual([undefined, undefined]);
  });

  it.each<[of: string, half: Shares]>([
    ['its minimum', { cap: 1, minima: [0, 0, 0, 0.5] }],
    ['what the cap leaves', { cap: 0.5, minima: [0, 0, 0, 0] }],
  ])('remembers a credit of %s for a second of all seats at most, and a debt until a second has paid it', (_, half) => {
    const patient = waited(half, 3_600_000, 3);
    charged(patient, 3, 9_999);
    expect(patient.owed(only(3))).toBe(3);
    charged(patient, 3, 2);
    expect(patient.owed(only(3))).toBeUndefined();

    const greedy = waited(half, 0, 3);
    charged(greedy, 3, 1e9);
    greedy.advance(999, SEATS, only(3));
    expect(greedy.owed(only(3))).toBeUndefined();
    greedy.advance(1_001, SEATS, only(3));
    expect(greedy.owed(only(3))).toBe(3);
  });

  it.each<[of: string, shares: Shares]>([
    ['its minimum', MINIMA_ONLY],
    ['what the cap leaves', { cap: 0.99, minima: [0, 0, 0, 0] }],
  ])('earns no credit of %s with work that is broken off: what was forgiven is not given back', (_, shares) => {
    const accounts = waited(shares, 0, 3);
    // The first takes the account to its bound of 100; the others were charged nothing.
    const leases = Array.from({ length: 5 }, () => charged(accounts, 3, 2_000));
    for (const lease of leases) accounts.end(lease, 0, SEATS);
    expect(accounts.owed(only(3))).toBeUndefined();
    accounts.advance(1, SEATS, only(3));
    expect(accounts.owed(only(3))).toBe(3);
    charged(accounts, 3, 0.2);
    expect(accounts.owed(only(3))).toBeUndefined();
  });

  it('gives what was charged back as far as it was not used, and charges what was used beyond it', () => {
    const accounts = waited(MINIMA_ONLY, 1_000, 3);
    const [short, long] = [charged(accounts, 3, 80), charged(accounts, 3, 60)];
    accounts.end(short, 10, SEATS);
    expect(accounts.owed(only(3))).toBe(3);
    accounts.end(long, 91, SEATS);
    expect(accounts.owed(only(3))).toBeUndefined();
    accounts.advance(1_020, SEATS, only(3));
    expect(accounts.owed(only(3))).toBe(3);
  });

  it('takes the credit of a class that waits no more, and lets it pay its debt off', () => {
    const accounts = waited(MINIMA_ONLY, 1_000, 3);
    accounts.advance(1_000, SEATS, only());
    expect(accounts.owed(only(3))).toBeUndefined();
    charged(accounts, 3, 100);
    accounts.advance(1_900, SEATS, only());
    accounts.advance(1_999, SEATS, only(3));
    expect(accounts.owed(only(3))).toBeUndefined();
    accounts.advance(2_001, SEATS, only(3));
    expect(accounts.owed(only(3))).toBe(3);
  });

  it.each<[shares: Shares, service: [number, number, number], least: PriorityRank]>([
    [DEFAULT_SHARES, [60, 31, 11], 1],
    [DEFAULT_SHARES, [61, 30, 11], 2],
    [DEFAULT_SHARES, [61, 31, 10], 3],
    [{ cap: 1, minima: [0, 0, 0, 0] }, [2, 1, 3], 2],
  ])('by %j, after charges of %j, serves class %d next', (shares, service, least) => {
    const accounts = waited(shares, 0, 1, 2, 3);
    for (const rank of [1, 2, 3] as const) charged(accounts, rank, service[rank - 1] ?? 0);
    expect(accounts.leastServed(only(1, 2, 3))).toBe(least);
  });

  it('lets a class that comes late start where the others are, and not catch up on what it never asked for', () => {
    const accounts = waited(DEFAULT_SHARES, 0, 1);
    charged(accounts, 1, 600);
    expect(accounts.leastServed(only(1))).toBe(1);
    accounts.advance(1_000, SEATS, only(1, 2));
    charged(accounts, 2, 3);
    expect(accounts.leastServed(only(1, 2))).toBe(1);
  });
});
