import { expect, it } from 'vitest';
import { describeTrouble } from '../../../src/fleet/redis-trouble.js';

const failure = (code: string, message: string): Error => Object.assign(new Error(message), { code });

it.each([
  ['EPIPE', 'write EPIPE'],
  ['ECONNRESET', 'read ECONNRESET'],
])('takes %s for a missing TLS only where nothing was ever answered', (code, message) => {
  expect(describeTrouble(failure(code, message))).toMatch(/perhaps it wants TLS/);
  expect(describeTrouble(failure(code, message), true)).toBe(`${message}: it has ended the connection`);
});

it('goes on saying what else is wrong after an answer', () => {
  const denied = new Error('WRONGPASS invalid username-password pair or user is disabled.');
  expect(describeTrouble(denied, true)).toMatch(/correct user and password of the URL$/);
});
