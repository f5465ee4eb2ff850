import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimitFields } from '../../../middleware/rate-limit-fields.js';

test.each([
  [{ refillPerSecond: 400, burst: 800 }, '"checkout";q=800;w=2'],
  [{ refillPerSecond: 10, burst: 25 }, '"checkout";q=25;w=3'],
  [{ refillPerSecond: 1_000, burst: 5 }, '"checkout";q=5;w=1'],
  [{ refillPerSecond: 0.5, burst: 1.5 }, '"checkout";q=1;w=3'],
  [{ refillPerSecond: 0, burst: 5 }, '"checkout";q=5'],
  [{ refillPerSecond: 1, burst: 1e18 }, '"checkout";q=999999999999999;w=999999999999999'],
])('the policy of %j is %s', (policy, value) => {
  expect(new RateLimitFields('checkout', policy).policy).toBe(value);
});

test.each([
  [799, 0.4, '"checkout";r=799;t=1'],
  [0.99, 1_001, '"checkout";r=0;t=2'],
  [800, 0, '"checkout";r=800'],
  [0, Number.POSITIVE_INFINITY, '"checkout";r=0'],
  [-0.5, 2_000, '"checkout";r=0;t=2'],
  [Number.NaN, Number.NaN, '"checkout";r=0'],
])('%d tokens left and %d ms until more are told as %s', (remaining, untilMoreMs, value) => {
  const fields = new RateLimitFields('checkout', { refillPerSecond: 400, burst: 800 });
  expect(fields.state(remaining, untilMoreMs)).toBe(value);
});

test('a name cannot end its string or the header', () => {
  const policy = (name: string): string => new RateLimitFields(name, { refillPerSecond: 1, burst: 1 }).policy;
  expect(policy('a"b\\c')).toBe('"a\\"b\\\\c";q=1;w=1');
  expect(policy('a\r\nSet-Cookie: x')).toBe('"a__Set-Cookie: x";q=1;w=1');
  expect(policy('größe🚰')).toBe('"gr__e_";q=1;w=1');
});

test('both values are Structured Field Lists, whatever the numbers', () => {
  const number = fc.double();
  fc.assert(
    fc.property(fc.string(), number, number, number, number, (name, refillPerSecond, burst, remaining, untilMoreMs) => {
      const fields = new RateLimitFields(name, { refillPerSecond, burst });
      const string = '"(?:[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"';
      expect(fields.policy).toMatch(new RegExp(`^${string};q=\\d{1,15}(?:;w=[1-9]\\d{0,14})?$`));
      expect(fields.state(remaining, untilMoreMs)).toMatch(new RegExp(`^${string};r=\\d{1,15}(?:;t=\\d{1,15})?$`));
    }),
  );
});
