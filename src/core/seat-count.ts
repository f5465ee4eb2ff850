/** Binary fractions miss a whole number by far less than this part of it, in either direction. */
const ROUNDING = 1e-9;

/**
 * How many seats a pool has.
 *
 * @param connections - Its connections, at least 1.
 * @param operationsPerRequest - For how much of its time on a seat a request needs a connection, above 0 to 1.
 * @returns A whole number, at least 1: 50 for 7 / 0.14, which is a little less in binary fractions.
 */
export function seatCount(connections: number, operationsPerRequest: number): number {
  return Math.max(1, Math.floor((connections / operationsPerRequest) * (1 + ROUNDING)));
}

/** Whether a number exceeds a bound by more than rounding can make of two that are equal. */
export function exceeds(value: number, bound: number): boolean {
  return value > bound * (1 + ROUNDING);
}
