import { describe, expect, it } from 'vitest';
import { LanePlaces, type LaneReply } from '../../../src/core/lane-places.js';

const HOLD_MS = 10_000;

function reply(change: Partial<LaneReply> = {}): LaneReply {
  return { granted: 0, max: 4, others: 0, waiting: 0, instances: 2, rank: 0, closed: false, ...change };
}

function takeAll(places: LanePlaces, nowMs: number): number {
  let count = 0;
  while (places.take(nowMs)) count += 1;
  return count;
}

describe('LanePlaces', () => {
  it('takes what was granted, once', () => {
    const places = new LanePlaces(4, () => 1, HOLD_MS);
    const never = Number.POSITIVE_INFINITY;
    expect(places.report(0, 3)).toEqual({ sequence: 1, held: 0, want: 3, known: false, away: true, sinceMs: never });
    places.settle(reply({ granted: 3 }));
    expect([takeAll(places, 0), places.inUse, places.spare]).toEqual([3, 3, 0]);
    places.release();
    // A place that was given back is the ledger's again.
    expect(places.take(0)).toBe(false);
    expect(places.report(9, 1)).toEqual({ sequence: 2, held: 2, want: 1, known: true, away: false, sinceMs: 9 });
  });

  it('gives back with the next report what it did not take', () => {
    const places = new LanePlaces(4, () => 1, HOLD_MS);
    places.report(0, 3);
    places.settle(reply({ granted: 3 }));
    expect([places.take(0), places.spare]).toEqual([true, 2]);
    expect(places.report(0, 0).held).toBe(1);
    expect(places.take(0)).toBe(false);
  });

  it('takes again what was put back, without asking', () => {
    const places = new LanePlaces(4, () => 1, HOLD_MS);
    places.report(0, 1);
    places.settle(reply({ granted: 1 }));
    expect([places.take(0), places.take(0)]).toEqual([true, false]);
    places.putBack();
    expect([places.inUse, places.spare]).toEqual([0, 1]);
    expect([takeAll(places, 0), places.inUse]).toEqual([1, 1]);
    const alone = new LanePlaces(1, () => 1, HOLD_MS);
    expect([alone.take(0), alone.take(0)]).toEqual([true, false]);
    alone.putBack();
    expect([takeAll(alone, 0), alone.inUse, alone.spare]).toEqual([1, 1, 0]);
  });

  it.each([
    [1, 5],
    [2, 5],
    [3, 5],
    [8, 5],
    [5, 5],
  ])('cuts the places into parts for %i instances that are all of %i together', (instances, max) => {
    let together = 0;
    for (let rank = 0; rank < instances; rank += 1) {
      const places = new LanePlaces(max, () => 1, HOLD_MS);
      places.settle(reply({ max, instances, rank }));
      places.part(0);
      together += takeAll(places, 0);
    }
    expect(together).toBe(max);
  });

  it('leaves the others what they held until they must have ended', () => {
    const places = new LanePlaces(4, () => 1, HOLD_MS);
    places.settle(reply({ others: 3 }));
    places.part(1_000);
    expect(takeAll(places, 1_000)).toBe(1);
    expect(takeAll(places, 1_000 + HOLD_MS - 1)).toBe(0);
    expect(takeAll(places, 1_000 + HOLD_MS)).toBe(1);
    // To part again changes nothing.
    places.part(50_000);
    expect(places.settledAtMs).toBe(1_000 + HOLD_MS);
  });

  it('has an even part of the configured instances before the ledger has told', () => {
    expect(takeAll(new LanePlaces(4, () => 2, HOLD_MS), 0)).toBe(2);
    expect(takeAll(new LanePlaces(4, () => 5, HOLD_MS), 0)).toBe(0);
  });

  it('goes on as it did while the ledger is closed', () => {
    const places = new LanePlaces(4, () => 2, HOLD_MS);
    places.settle(reply({ closed: true }));
    expect([places.away, takeAll(places, 0)]).toEqual([true, 2]);
    places.settle(reply({ granted: 1 }));
    places.report(0, 2);
    places.settle(reply({ closed: true, granted: 0 }));
    expect([places.away, places.take(0)]).toEqual([false, false]);
  });

  it('keeps the least bound', () => {
    const places = new LanePlaces(9, () => 1, HOLD_MS);
    places.settle(reply({ max: 3, instances: 1 }));
    expect([places.max, places.free(0)]).toEqual([3, 3]);
    places.part(0);
    expect(takeAll(places, 0)).toBe(3);
  });

  it('knows what is free in the fleet', () => {
    const places = new LanePlaces(4, () => 1, HOLD_MS);
    places.settle(reply({ granted: 1, others: 2, waiting: 7 }));
    expect([places.free(0), places.waitingElsewhere]).toEqual([2, 7]);
    places.take(0);
    expect(places.free(0)).toBe(1);
  });

  it('hears what others hold from a ledger that answers too late, and takes what they leave of its part', () => {
    const places = new LanePlaces(4, () => 2, HOLD_MS);
    places.report(0, 0);
    places.settle(reply({ others: 4 }));
    places.part(0);
    expect(takeAll(places, 1)).toBe(0);
    expect(places.hear(100, reply({ others: 3 }))).toBe(true);
    expect(takeAll(places, 100)).toBe(1);
    // It knows nobody: it was lost, and what it says of others is nothing.
    expect(places.hear(200, reply({ others: 0, instances: 1, closed: true }))).toBe(false);
    expect(takeAll(places, 200)).toBe(0);
    // What it said last holds until it must have ended.
    expect(places.settledAtMs).toBe(100 + HOLD_MS);
    expect(takeAll(places, 100 + HOLD_MS)).toBe(1);
    places.settle(reply({ granted: 1 }));
    expect(places.hear(300, reply({ others: 0 }))).toBe(false);
  });
});
