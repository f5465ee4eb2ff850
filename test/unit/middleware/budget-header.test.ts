import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBudget } from '../../../middleware/budget-header.js';

test.each([
  ['1', 1],
  ['250', 250],
  ['0007', 7],
  ['9999999999', 9_999_999_999],
  ['2H', 7_200_000],
  ['3M', 180_000],
  ['5S', 5_000],
  ['100m', 100],
  ['1500u', 1.5],
  ['99999999n', 99.999_999],
])('%s is %d ms', (header, ms) => {
  const budget = parseBudget(header);
  expect(budget).not.toBe('malformed');
  expect(budget).toBeCloseTo(ms, 9);
});

test('no header is no budget', () => {
  expect(parseBudget(undefined)).toBeUndefined();
});

test.each([
  [''],
  ['0'],
  ['0000000000'],
  ['0S'],
  ['-1'],
  ['+1'],
  ['1.5'],
  ['1e3'],
  ['0x10'],
  [' 100'],
  ['100 '],
  ['1,000'],
  ['100, 200'],
  ['100;q=1'],
  ['12345678901'],
  ['123456789S'],
  ['S'],
  ['5s'],
  ['5h'],
  ['5SS'],
  ['5S1'],
  ['5toString'],
  ['NaN'],
  ['Infinity'],
  ['١٠٠'],
  ['１００'],
  ['1\u0000'],
  ['null'],
  ['__proto__'],
])('%j is malformed', (header) => {
  expect(parseBudget(header)).toBe('malformed');
});

test('a repeated header is malformed', () => {
  expect(parseBudget(['100', '200'])).toBe('malformed');
  expect(parseBudget(['100'])).toBe('malformed');
  expect(parseBudget([])).toBe('malformed');
});

test('agrees with the grammar on any string', () => {
  const near = fc.stringMatching(/^[0-9HMSmun.,e+ -]{0,12}$/);
  fc.assert(
    fc.property(fc.oneof(near, fc.string(), fc.string({ unit: 'grapheme' })), (header) => {
      const wellFormed = /^(?:[0-9]{1,10}|[0-9]{1,8}[HMSmun])$/.test(header) && /[1-9]/.test(header);
      const budget = parseBudget(header);
      if (wellFormed) expect(budget).toSatisfy((ms) => typeof ms === 'number' && ms > 0 && Number.isFinite(ms));
      else expect(budget).toBe('malformed');
    }),
    { numRuns: 2_000 },
  );
});

test('a huge header costs no more than a short one', () => {
  const huge = '1'.repeat(1_000_000);
  const startedMs = performance.now();
  for (let call = 0; call < 1_000; call += 1) parseBudget(huge);
  // Looking at each character of each would take more than a second.
  expect(performance.now() - startedMs).toBeLessThan(200);
});
