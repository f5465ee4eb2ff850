import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KnownNames } from '../../../src/core/known-names.js';

it('knows the last half of so many at least, and keeps no more than all, whoever comes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }), (comers) => {
      const names = new KnownNames(10);
      for (const [at, comer] of comers.entries()) {
        names.note(at, `${comer}`);
        expect(names.size).toBeLessThanOrEqual(10);
        const last = [...new Set(comers.slice(0, at + 1).toReversed())].slice(0, 5);
        for (const one of last) expect(names.has(`${one}`)).toBe(true);
      }
    }),
  );
});

it('forgets who did not come for ten minutes, and not before five', () => {
  const names = new KnownNames(10);
  names.note(0, 'once');
  names.note(299_999, 'again');
  names.note(300_000, 'again');
  expect([names.has('once'), names.has('again')]).toEqual([true, true]);
  names.note(600_000, 'again');
  expect([names.has('once'), names.size]).toEqual([false, 1]);
});

it('forgets whom it is told to', () => {
  const names = new KnownNames(4);
  for (const name of ['a', 'b', 'c']) names.note(0, name);
  for (const name of ['a', 'c']) names.delete(name);
  expect([names.has('a'), names.has('b'), names.has('c'), names.size]).toEqual([false, true, false, 1]);
});
