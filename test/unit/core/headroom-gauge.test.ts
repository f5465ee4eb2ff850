import { describe, expect, it } from 'vitest';
import { HeadroomGauge, type HeadroomOptions } from '../../../src/core/headroom-gauge.js';

/** 100 arrivals a second, evenly, over two seconds. */
function arrive(gauge: HeadroomGauge, fromMs: number, meanHoldMs: number): void {
  for (let at = 0; at < 200; at++) gauge.noteArrival(fromMs + at * 10, meanHoldMs);
}

describe('HeadroomGauge', () => {
  it.each<[HeadroomOptions, poolSeats: number, seats: number]>([
    [{ fixed: 3, servesTopClass: true }, 16, 3],
    // Nobody is shut out for good, however few seats are in force.
    [{ fixed: 3, servesTopClass: true }, 2, 1],
    [{ fixed: 3, servesTopClass: true }, 1, 0],
    [{ fixed: 0, servesTopClass: true }, 16, 0],
    [{ fixed: 3, servesTopClass: false }, 16, 0],
    [{ fixed: undefined, servesTopClass: false }, 16, 0],
    [{ fixed: undefined, servesTopClass: true }, 16, 1],
    [{ fixed: undefined, servesTopClass: true }, 1, 0],
  ])('set to %j, leaves of %d seats %d before anything arrived', (options, poolSeats, seats) => {
    expect(new HeadroomGauge(options).seats(0, poolSeats)).toBe(seats);
  });

  it.each<[meanHoldMs: number, seats: number]>([
    [1, 1],
    [20, 5],
    [30, 7],
    [1_000, 8],
  ])('follows the arrivals of the top class: at 100/s of %d ms it leaves %d of 16 seats', (meanHoldMs, seats) => {
    const gauge = new HeadroomGauge({ fixed: undefined, servesTopClass: true });
    arrive(gauge, 0, meanHoldMs);
    expect(gauge.seats(2_000, 16)).toBe(seats);
  });

  it('stays as it was for 100 ms, unless the pool changes its size', () => {
    const gauge = new HeadroomGauge({ fixed: undefined, servesTopClass: true });
    arrive(gauge, 0, 20);
    const rows: [atMs: number, holdMs: number, poolSeats: number, seats: number][] = [
      [2_000, 20, 16, 5],
      [2_001, 1_000, 16, 5],
      [2_099, 1_000, 16, 5],
      [2_100, 1_000, 16, 8],
      [2_101, 1_000, 8, 4],
      [2_102, 20, 16, 5],
    ];
    for (const [atMs, holdMs, poolSeats, seats] of rows) {
      gauge.noteArrival(atMs, holdMs);
      expect(gauge.seats(atMs, poolSeats), `at ${atMs}`).toBe(seats);
    }
  });

  it('comes down again when the top class goes quiet', () => {
    const gauge = new HeadroomGauge({ fixed: undefined, servesTopClass: true });
    arrive(gauge, 0, 20);
    expect(gauge.seats(2_000, 16)).toBe(5);
    expect(gauge.seats(120_000, 16)).toBe(1);
  });

  it('counts no arrivals where the seats are fixed', () => {
    const gauge = new HeadroomGauge({ fixed: 2, servesTopClass: true });
    arrive(gauge, 0, 1_000);
    expect(gauge.seats(2_000, 16)).toBe(2);
  });

  it.each<[lowerHoldMs: number, seats: number]>([
    [0, 5],
    [20, 0],
    [64, 0],
    [65, 1],
    [112, 3],
    [160, 5],
    [300, 5],
  ])(
    'behind work of %d ms a seat, checkouts of 20 ms need %d of 16 seats: shorter work frees one in no time',
    (...row) => {
      const [lowerHoldMs, seats] = row;
      const gauge = new HeadroomGauge({ fixed: undefined, servesTopClass: true });
      arrive(gauge, 0, 20);
      expect(gauge.seats(2_000, 16, lowerHoldMs)).toBe(seats);
    },
  );

  it('keeps a fixed number whatever sits there', () => {
    expect(new HeadroomGauge({ fixed: 3, servesTopClass: true }).seats(0, 16, 1)).toBe(3);
  });

  it('tells how many seats the top class keeps busy, and follows within 100 ms', () => {
    const gauge = new HeadroomGauge({ fixed: 2, servesTopClass: true });
    expect(gauge.busySeats(0)).toBe(0);
    arrive(gauge, 0, 20);
    expect(gauge.busySeats(2_000)).toBeCloseTo(2, 0);
    gauge.noteArrival(2_001, 1_000);
    expect(gauge.busySeats(2_099)).toBeCloseTo(2, 0);
    expect(gauge.busySeats(2_100)).toBeGreaterThan(90);
  });
});
