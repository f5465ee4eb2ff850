/** Plain milliseconds: at most ten digits, as in the Connect protocol. */
const MOST_DIGITS = 10;

/** With a unit: at most eight digits, as in gRPC over HTTP/2 ("TimeoutValue"). */
const MOST_DIGITS_WITH_UNIT = 8;

const DIGIT_0 = 48;
const DIGIT_9 = 57;

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1_000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/**
 * Reads how long a client is willing to wait: a positive whole number, of milliseconds, or in the form of
 * `grpc-timeout` with one of the units `H M S m u n`. Everything else is malformed, a repeated header included: a
 * budget that can be read in two ways is none. Never throws, and looks at no more than ten characters.
 *
 * @returns The budget in milliseconds, above 0; `undefined` without a header.
 */
export function parseBudget(value: string | readonly string[] | undefined): number | 'malformed' | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MOST_DIGITS) return 'malformed';
  let amount = 0;
  let digits = 0;
  for (; digits < value.length; digits += 1) {
    const code = value.charCodeAt(digits);
    if (code < DIGIT_0 || code > DIGIT_9) break;
    amount = amount * 10 + (code - DIGIT_0);
  }
  if (amount === 0) return 'malformed';
  if (digits === value.length) return amount;
  const unitMs = digits === value.length - 1 ? UNITS_MS.get(value.charAt(digits)) : undefined;
  return unitMs === undefined || digits > MOST_DIGITS_WITH_UNIT ? 'malformed' : amount * unitMs;
}
