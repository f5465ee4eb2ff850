import { describe, expect, it } from 'vitest';
import { SeatTrial } from '../../../src/core/seat-trial.js';

/** Runs a trial on a server of which only the throughput by seats is known; how it ended, and after how many windows. */
function run(from: number, to: number, throughput: (seats: number, window: number) => number) {
  const trial = new SeatTrial(0, from, to, throughput(from, 0));
  const seats = [];
  for (let window = 1; window < 100; window++) {
    seats.push(trial.seats);
    const verdict = trial.measured(throughput(trial.seats, window));
    if (verdict !== undefined) return { verdict, seats };
  }
  throw new Error('it never ended');
}

const power =
  (exponent: number) =>
  (seats: number): number =>
    seats ** exponent;

describe('a trial of another number of seats', () => {
  it.each([
    ['down, proportional', 16, 8, power(1), 'worse', 1],
    ['down, as much', 16, 8, power(0), 'better', 11],
    ['down, twice as much', 16, 8, power(-1), 'better', 3],
    ['down, a little less than it is worth', 16, 8, power(0.06), 'worse', 11],
    ['down, a little more', 16, 8, power(0.04), 'better', 11],
    ['up, proportional', 8, 12, power(1), 'better', 3],
    ['up, a little less than it is worth', 8, 12, power(0.14), 'worse', 11],
    ['up, a little more', 8, 12, power(0.16), 'better', 11],
    ['down, nothing at all either way', 16, 8, () => 0, 'better', 11],
    ['up, nothing at all either way', 8, 12, () => 0, 'worse', 11],
    ['down, something instead of nothing', 16, 8, (seats: number) => (seats > 8 ? 0 : 1), 'better', 3],
  ] as const)('%s', (_, from, to, throughput, verdict, windows) => {
    const result = run(from, to, throughput);
    expect({ verdict: result.verdict, windows: result.seats.length }).toEqual({ verdict, windows });
  });

  it('takes turns, so that a drift of the load decides nothing', () => {
    // All becomes slower all the time, so whatever is measured later looks worse; without turns 8 would look bad.
    const { seats, verdict } = run(16, 8, (n, window) => 0.98 ** window * (n === 8 ? 1.05 : 1));
    expect(seats.slice(0, 4)).toEqual([8, 16, 8, 16]);
    expect(verdict).toBe('better');
  });

  it('compares each window with the one before it', () => {
    // The load changes once, by much: neither number has anything to do with it.
    const { verdict } = run(16, 8, (n, window) => (window > 4 ? 10 : 1) * (n === 8 ? 1.02 : 1));
    expect(verdict).toBe('better');
  });

  it('tells which way it goes', () => {
    expect(new SeatTrial(5, 8, 12, 1)).toMatchObject({ rising: true, seats: 12, from: 8, to: 12, beganAtMs: 5 });
    expect(new SeatTrial(5, 8, 4, 1)).toMatchObject({ rising: false, seats: 4 });
  });
});
