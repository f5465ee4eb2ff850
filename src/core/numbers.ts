/** The numbers that an argument may take. */
export interface NumberRange {
  /** Smallest value allowed. Default: just above 0. */
  readonly min?: number;
  /** Largest value allowed. Default: no bound but that it is finite. */
  readonly max?: number;
  /** Refuses fractions when true. Default false. */
  readonly integer?: boolean;
}

/**
 * Returns `value` if it lies within `range`.
 *
 * @throws RangeError naming the argument, its value and what is allowed instead; NaN and the infinities never pass.
 */
export function requireNumber(name: string, value: number, range: NumberRange = {}): number {
  const { min, max = Number.MAX_VALUE, integer = false } = range;
  const aboveMin = min === undefined ? value > 0 : value >= min;
  if (aboveMin && value <= max && (!integer || Number.isInteger(value))) return value;
  const noun = integer ? 'a whole number' : 'a finite number';
  const lower = min === undefined ? 'above 0' : `of at least ${min}`;
  const upper = range.max === undefined ? '' : ` and at most ${max}`;
  throw new RangeError(`${name} is ${value}: give ${noun} ${lower}${upper}`);
}

/**
 * The next whole number at or above `value` (0 or more). A product of decimal fractions counts as what it is on paper:
 * 3 x 0.1 x 10 is 3, although floating point makes it a little more.
 */
export function ceilDecimal(value: number): number {
  return Math.ceil(value * (1 - 8 * Number.EPSILON));
}
