/**
 * Whether a pool can have these sizes.
 *
 * @throws RangeError that names the option, its value and the remedy.
 */
export function checkSizes({
  name,
  max,
  minIdle,
}: {
  readonly name: string;
  readonly max: number;
  readonly minIdle: number;
}): void {
  if (!Number.isInteger(max) || max < 1) {
    throw new RangeError(`max of pool "${name}" is ${max}: use a whole number of at least 1`);
  }
  if (!Number.isInteger(minIdle) || minIdle < 0 || minIdle > max) {
    throw new RangeError(`minIdle of pool "${name}" is ${minIdle}: use a whole number from 0 to max (${max})`);
  }
}

/** Numbers things from 1 on. */
export function counter(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}
