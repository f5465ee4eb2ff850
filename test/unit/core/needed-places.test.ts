import { describe, expect, it } from 'vitest';
import { NeededPlaces } from '../../../src/core/needed-places.js';

/** Tickets are taken out every 10 ms, and so many are left. */
function watched(places: NeededPlaces, fromMs: number, untilMs: number, left: (nowMs: number) => number): number {
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 10) places.left(nowMs, left(nowMs));
  return places.places;
}

describe('the places that a queue needs', () => {
  it('are not known before half a second was seen', () => {
    const places = new NeededPlaces();
    expect(watched(places, 1_000, 1_490, () => 40)).toBe(Number.POSITIVE_INFINITY);
    expect(watched(places, 1_500, 1_510, () => 40)).toBeLessThan(40);
  });

  it('lose half of those that were always taken, but for a reserve, until only that is left', () => {
    const places = new NeededPlaces();
    const sizes: number[] = [];
    for (let fromMs = 0; fromMs < 5_000; fromMs += 500) {
      // Ten of them come and go.
      const size = sizes.at(-1) ?? 46;
      watched(places, fromMs, fromMs + 510, (nowMs) => size - (nowMs % 100 === 50 ? 10 : 0));
      sizes.push(Math.ceil(places.places));
    }
    expect(sizes.slice(0, 3)).toEqual([31, 24, 20]);
    expect(sizes.at(-1)).toBe(16);
  });

  it('are doubled when hardly anybody was left, and kept in between', () => {
    const places = new NeededPlaces();
    watched(places, 0, 510, () => 40);
    const before = places.places;
    expect(before).toBe(23);
    expect(watched(places, 510, 1_010, (nowMs) => (nowMs === 700 ? 2 : 20))).toBe(before);
    expect(watched(places, 1_010, 1_510, (nowMs) => (nowMs === 1_200 ? 1 : 22))).toBe(2 * before);
  });

  it('are unbounded again when they were not even filled', () => {
    const places = new NeededPlaces();
    watched(places, 0, 510, () => 40);
    watched(places, 510, 1_010, (nowMs) => (nowMs === 700 ? 2 : 21));
    expect(watched(places, 1_010, 1_510, (nowMs) => (nowMs === 1_200 ? 1 : 21))).toBe(Number.POSITIVE_INFINITY);
  });

  it('are not judged by a time that was not seen', () => {
    const places = new NeededPlaces();
    watched(places, 0, 100, () => 40);
    expect(watched(places, 1_100, 1_110, () => 40)).toBe(Number.POSITIVE_INFINITY);
  });

  it('are forgotten with the overload', () => {
    const places = new NeededPlaces();
    watched(places, 0, 510, () => 40);
    places.forget();
    expect(places.places).toBe(Number.POSITIVE_INFINITY);
    expect(watched(places, 600, 700, () => 0)).toBe(Number.POSITIVE_INFINITY);
  });
});
