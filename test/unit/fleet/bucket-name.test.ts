import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bucketName } from '../../../src/fleet/bucket-name.js';

it('property: keys that differ in anything, half pairs too, have names that do', () => {
  const key = fc.string({
    unit: fc.constantFrom('\ud800', '\ud801', '\udc00', '\ufffd', 'a', ':', '\0', 'ö'),
    maxLength: 6,
  });
  fc.assert(
    fc.property(key, key, (one, other) => {
      const same = bucketName(`r:caller:${one}`) === bucketName(`r:caller:${other}`);
      expect(same).toBe(one === other);
    }),
  );
});

it('goes on calling all other keys as instances of before do', () => {
  for (const called of ['ada', 'ö', '\u{1f600}', '\ufffd']) {
    const hash = createHash('sha256').update(`:caller:${called}`).digest('base64url').slice(0, 22);
    expect(bucketName(`checkout:caller:${called}`)).toBe(`checkout:caller:${hash}`);
  }
  expect(bucketName('checkout:endpoint')).toBe('checkout:endpoint');
});
