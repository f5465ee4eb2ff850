import { describe, expect, it } from 'vitest';
import { LimitSearch } from '../../../src/core/limit-search.js';

const WINDOW_MS = 300;

/** A search in windows of one length, on a server of which only the throughput by seats is known. */
class Search {
  readonly search: LimitSearch;
  nowMs = 0;
  congested: boolean | undefined;
  strained = false;
  readonly #throughput: (seats: number, nowMs: number) => number;

  constructor(seats: number, minSeats: number, throughput: (seats: number, nowMs: number) => number) {
    this.search = new LimitSearch({ seats, minSeats });
    this.#throughput = throughput;
  }

  /** The limits after so many windows. */
  windows(count: number): number[] {
    return Array.from({ length: count }, () => {
      this.nowMs += WINDOW_MS;
      const throughput = this.#throughput(this.search.limit, this.nowMs);
      this.search.measured(this.nowMs, { throughput, congested: this.congested, strained: this.strained });
      return this.search.limit;
    });
  }
}

const flat = (): number => 2;
const proportional = (seats: number): number => seats;

describe('a search for the best number of seats', () => {
  it('halves while fewer do the same, and stops at the bound', () => {
    const search = new Search(16, 3, (seats) => 8 / seats);
    expect(search.windows(8)).toEqual([8, 16, 8, 4, 8, 4, 3, 4]);
    expect(search.search.reason).toBe('trial');
    while (search.search.trying) search.windows(1);
    expect(search.search.reason).toBe('congestion');
    expect(search.search.limit).toBe(3);
  });

  it('takes back at once what costs much, and tries a smaller step later', () => {
    const search = new Search(16, 1, proportional);
    expect(search.windows(2)).toEqual([8, 16]);
    expect(search.search.reason).toBe('trial_failed');
    expect(new Set(search.windows(16))).toEqual(new Set([16]));
    expect(search.windows(1)).toEqual([12]);
    expect(search.windows(1)).toEqual([16]);
  });

  it('waits longer after each failure, up to half a minute', () => {
    const search = new Search(16, 1, proportional);
    const limits = search.windows(1_000);
    const trials = limits.flatMap((limit, index) => (limit < 16 ? [index * WINDOW_MS] : []));
    const gaps = trials.slice(1).map((at, index) => Math.round((at - (trials[index] ?? 0)) / 1_000));
    const pauses = gaps.filter((seconds) => seconds > 1);
    // Three quarters need a second look, so that they are asked again later yet.
    expect(pauses.slice(0, 4)).toEqual([5, 11, 20, 36]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(37);
  });

  it('compares in turns while it is not clear, so that a drift of the load decides nothing', () => {
    // The server slows down all the time, so whatever is measured later looks worse.
    const search = new Search(16, 1, (_seats, nowMs) => 2 * 0.995 ** (nowMs / WINDOW_MS));
    const limits = search.windows(12);
    expect(limits).toContain(16);
    expect(limits.slice(0, 4)).toEqual([8, 16, 8, 16]);
    search.windows(40);
    expect(search.search.limit).toBeLessThan(16);
  });

  it('raises where more seats do more, and nobody knows whether they crowd', () => {
    let most = 2;
    const search = new Search(16, 1, (seats) => Math.min(seats, most));
    search.windows(200);
    expect(search.search.limit).toBe(2);
    most = 16;
    search.windows(400);
    expect(search.search.limit).toBe(16);
  });

  it('grows without a trial where nobody is in the way, and never above the seats', () => {
    const search = new Search(10, 4, (seats) => 100 / seats ** 3);
    expect(search.windows(6)).toEqual([5, 10, 5, 4, 5, 4]);
    search.windows(1);
    search.search.forget(search.nowMs);
    search.congested = false;
    expect(search.windows(6)).toEqual([5, 6, 7, 8, 10, 10]);
    expect(search.search.reason).toBe('demand');
  });

  it('does not go to and fro between growing and crowding', () => {
    // From 5 seats on they crowd, and 5 do no more than 4.
    const search = new Search(16, 1, (seats) => Math.min(seats, 4));
    let changes = 0;
    let before = 0;
    for (let window = 0; window < 2_000; window++) {
      search.congested = search.search.limit > 4;
      search.windows(1);
      if (search.search.limit !== before) changes++;
      before = search.search.limit;
    }
    // Ten minutes: every half minute one seat up and down again, in turns until it is clear.
    expect(changes).toBeLessThan(500);
    expect(search.search.limit).toBeLessThanOrEqual(6);
  });

  it('takes an unfinished trial of fewer back when there is too little to do, and waits before the next', () => {
    const search = new Search(16, 1, flat);
    search.windows(1);
    expect(search.search.limit).toBe(8);
    search.search.idle(search.nowMs, true);
    expect(search.search.limit).toBe(16);
    expect(search.search.reason).toBe('trial_failed');
    expect(new Set(search.windows(16))).toEqual(new Set([16]));
    expect(search.windows(1)).toEqual([12]);
  });

  it('keeps more when with them there are seats enough', () => {
    const search = settled();
    while (search.search.limit <= 4) search.windows(1);
    expect(search.search.limit).toBe(6);
    search.search.idle(search.nowMs, true);
    expect(search.search.limit).toBe(6);
    expect(search.search.reason).toBe('demand');
    search.search.idle(search.nowMs, true);
    expect(search.search.limit).toBe(6);
  });

  it('takes an unfinished trial of more back when nothing is known of what there is to do', () => {
    const search = settled();
    while (search.search.limit <= 4) search.windows(1);
    search.search.idle(search.nowMs, false);
    expect(search.search.limit).toBe(4);
    expect(search.search.reason).toBe('trial_failed');
    expect(search.windows(16)).not.toContain(6);
  });

  it.each([
    [undefined, 6],
    [false, 5],
    [true, 3],
  ])('where both are due and they are known to crowd (%s) goes on with %s', (congested, limit) => {
    const search = settled();
    search.search.forget(search.nowMs);
    search.congested = congested;
    expect(search.windows(1)).toEqual([limit]);
  });

  it('grows short of what was too many before, and only tries that, though nobody is in the way', () => {
    const search = settled();
    search.congested = false;
    expect(search.windows(3)).toEqual([5, 6, 7]);
    const limits = search.windows(200);
    expect(new Set(limits)).toEqual(new Set([7, 10]));
    expect(limits.filter((limit) => limit === 10).length).toBeLessThan(20);
  });

  it('waits longer for more each time that more were wrong, and no longer once fewer yet are right', () => {
    let best = 4;
    const search = new Search(16, 1, (seats) => 1 / (1 + Math.abs(seats - best)));
    const limit = (): number => search.search.limit;
    const raised = (): number => {
      const fromMs = search.nowMs;
      while (!search.search.trying || limit() <= best) search.windows(1);
      return search.nowMs - fromMs;
    };
    while (limit() !== 4 || search.search.trying) search.windows(1);
    raised();
    search.search.idle(search.nowMs, true);
    search.congested = true;
    best = 1;
    while (limit() !== 1 || search.search.trying) search.windows(1);
    expect(raised()).toBeLessThan(8_000);
  });

  it('asks again at once after a long silence', () => {
    const search = new Search(16, 1, proportional);
    search.windows(1);
    expect(search.search.trying).toBe(true);
    search.search.forget(search.nowMs);
    expect(search.search.trying).toBe(false);
    expect(search.search.limit).toBe(16);
    expect(search.windows(1)[0]).toBeLessThan(16);
  });

  it('names timeouts as the reason where they were it', () => {
    const search = new Search(16, 5, (seats) => (seats > 5 ? 0 : 1));
    search.congested = search.strained = true;
    while (search.search.limit > 5 || search.search.trying) search.windows(1);
    expect(search.search.reason).toBe('strain');
  });
});

/** A search that has found 4 of 16 seats, with no trial under way. */
function settled(): Search {
  const search = new Search(16, 1, (seats) => Math.min(seats, 4) - Math.max(0, seats - 4) / 10);
  while (search.search.limit !== 4 || search.search.trying) search.windows(1);
  return search;
}
