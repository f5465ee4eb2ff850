/** What a repeated measurement comes to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Every value, in the order in which it was measured. */
  readonly values: readonly number[];
}

/** Median, extremes and all values of a measurement. @throws RangeError without values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (upper === undefined || lower === undefined || min === undefined || max === undefined) {
    throw new RangeError('a spread needs at least one value');
  }
  return { median: (upper + lower) / 2, min, max, values };
}

/** A spread as text: the median, and the extremes where there is more than one value. */
export function showSpread(spread: Spread, digits = 0): string {
  const show = (value: number): string => value.toFixed(digits);
  if (spread.values.length === 1) return show(spread.median);
  return `${show(spread.median)} (${show(spread.min)}–${show(spread.max)})`;
}
