import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { bucketName } from '../../../src/fleet/bucket-name.js';

const SIGNS = ['\ud800', '\ud801', '\udc00', '\ufffd', 'a', ':', '\0', 'ö'];

it('gives keys that differ in anything, halves of pairs too, names that do', () => {
  const longer = (keys: readonly string[]): string[] => keys.flatMap((key) => SIGNS.map((sign) => key + sign));
  const keys = ['', ...SIGNS, ...longer(SIGNS), ...longer(longer(SIGNS))];
  expect(new Set(keys.map((key) => bucketName(`search:caller:${key}`))).size).toBe(keys.length);
});

it('goes on calling all other keys as instances of before do', () => {
  for (const called of ['ada', 'ö', '\u{1f600}', '\ufffd']) {
    const hash = createHash('sha256').update(`:caller:${called}`).digest('base64url').slice(0, 22);
    expect(bucketName(`checkout:caller:${called}`)).toBe(`checkout:caller:${hash}`);
  }
  expect(bucketName('checkout:endpoint')).toBe('checkout:endpoint');
});
