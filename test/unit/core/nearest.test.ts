import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestName, nearestSpelling } from '../../../src/core/nearest.js';

describe('the edit distance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['burst', 'brust', 1],
    ['burst', 'bursts', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['checkout', 'chekcuot', 2],
  ])('between %j and %j is %i', (left, right, distance) => {
    expect(editDistance(left, right, 10)).toBe(distance);
  });

  it('agrees with the plain recursive definition, bound or not', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 8 }), (left, right, bound) => {
        expect(editDistance(left, right, bound)).toBe(Math.min(byDefinition(left, right), bound + 1));
      }),
      { numRuns: 500 },
    );
  });
});

/** Optimal string alignment, straight from its recurrence. */
function byDefinition(left: string, right: string): number {
  if (left === '' || right === '') return left.length + right.length;
  const same = left.at(-1) === right.at(-1);
  const swapped = left.length > 1 && right.length > 1 && left.at(-1) === right.at(-2) && left.at(-2) === right.at(-1);
  return Math.min(
    byDefinition(left.slice(0, -1), right) + 1,
    byDefinition(left, right.slice(0, -1)) + 1,
    byDefinition(left.slice(0, -1), right.slice(0, -1)) + (same ? 0 : 1),
    swapped ? byDefinition(left.slice(0, -2), right.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY,
  );
}

describe('the nearest name', () => {
  const fields = ['max', 'minIdle', 'ratePerSecond', 'deadlineMs', 'burst'];

  it.each([
    ['brust', 'burst'],
    ['BURST', 'burst'],
    ['minidel', 'minIdle'],
    ['rate', 'ratePerSecond'],
    ['deadline', 'deadlineMs'],
    ['maximum', 'max'],
    ['mx', 'max'],
    ['colour', undefined],
    ['', undefined],
    ['b', undefined],
  ])('to %j is %s', (name, nearest) => {
    expect(nearestName(name, fields)).toBe(nearest);
  });

  it('is the first of equals, and none beyond the slips allowed', () => {
    expect(nearestSpelling('abcx', ['abcy', 'abcz'])).toBe('abcy');
    expect(nearestSpelling('checkouts-ab', ['checkouts'], 3)).toBe('checkouts');
    expect(nearestSpelling('checkouts-ab', ['checkouts'], 2)).toBeUndefined();
  });

  it('is not looked for when the name is absurdly long', () => {
    expect(nearestSpelling('x'.repeat(1_000_000), ['x'.repeat(1_000_001)])).toBeUndefined();
  });
});
