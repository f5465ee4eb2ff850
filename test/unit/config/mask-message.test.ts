import { expect, test } from 'vitest';
import { maskMessage } from '../../../src/config/mask-message.js';

test.each([
  ['cannot reach postgres://app:Zq7@db:5432/shop: refused', 'cannot reach postgres://app:***@db:5432/shop: refused'],
  ['bad url "postgres://app:Zq7@db/shop".', 'bad url "postgres://app:***@db/shop".'],
  ['(redis://:Zq7@cache:6379), twice redis://Zq7@b', '(redis://:***@cache:6379), twice redis://***@b'],
  ['https://ops:Zq7@vault.example/v1 answered 403', 'https://ops:***@vault.example/v1 answered 403'],
  ['postgres://app:Zq7 Zq7@db/shop and more', 'postgres://app:***@db/shop and more'],
  ["postgres://app:Zq7'Zq7@db/shop", 'postgres://app:***@db/shop'],
  ['postgres://app:1/Zq7@db/shop is none', '(hidden) is none'],
  ['postgres://app:Zq7', '(hidden)'],
  ['postgres://db/shop?password=Zq7&x=Zq7', 'postgres://db/shop?password=***&***'],
  ['host=db password=Zq7 user=app', 'host=db password=*** user=app'],
  ['{ user: "app", password: "Zq7 Zq7", "token":"Zq7" }', '{ user: "app", password: ***, "token":*** }'],
  ['no key in\n-----BEGIN PRIVATE KEY-----\nZq7\n-----END PRIVATE KEY-----\nof it', 'no key in\n(hidden)\nof it'],
  ['-----BEGIN PRIVATE KEY-----\nZq7', '(hidden)'],
])('what looks like a secret is masked in %j', (message, shown) => {
  expect(maskMessage(message)).toBe(shown);
  expect(shown).not.toContain('Zq7');
});

test.each([
  "Cannot find module 'file:///srv/node_modules/@shop/policy/index.js' imported from /srv/gateway.mjs",
  'DB_PASSWORD: set it, see https://example.com/a?b=c#d or mail ops@example.com',
  'no answer from http://[::1]:8200/v1, http://vault:8200 and postgres://app@db/shop',
  'use a URL that starts with postgres:// or postgresql://',
])('the rest stays as it is: %s', (message) => {
  expect(maskMessage(message)).toBe(message);
});
