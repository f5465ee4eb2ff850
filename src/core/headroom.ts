import { ceilDecimal } from './numbers.js';

/**
 * Seats of a pool that lower classes leave free for the critical class: `max(1, ceil(x + 2 sqrt(x)))`, where
 * `x = lambda x mean hold` is what the critical class keeps busy on average (Little's law) and two square roots are
 * what it needs beyond that in 98 of 100 instants (square-root staffing, Halfin and Whitt 1981). Never more than half
 * of the pool, so 0 in a pool of one seat.
 *
 * For a pool that no critical route uses the headroom is 0: the caller decides that.
 *
 * @param lambdaPerSecond - Arrivals of the critical class a second, 0 or more.
 * @param meanHoldMs - How long one of them holds its seat on average, in ms, 0 or more.
 * @param max - Seats of the pool, a whole number of at least 0.
 */
export function headroomSeats(lambdaPerSecond: number, meanHoldMs: number, max: number): number {
  const busy = (lambdaPerSecond * meanHoldMs) / 1000;
  // What cannot be told (NaN, before there are samples) counts as nothing: one seat is the least there is.
  const wanted = busy > 0 ? ceilDecimal(busy + 2 * Math.sqrt(busy)) : 1;
  return Math.min(Math.max(1, wanted), Math.floor(max / 2));
}
