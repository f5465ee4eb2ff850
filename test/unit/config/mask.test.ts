import { describe, expect, it } from 'vitest';
import { maskText, maskUrl, showMistake } from '../../../src/config/mask.js';

describe('a URL in print', () => {
  it.each([
    ['postgres://app:s3cret@db:5432/shop', 'postgres://app:***@db:5432/shop'],
    ['postgres://app@db/shop', 'postgres://app@db/shop'],
    ['postgres://:s3cret@db/shop', 'postgres://:***@db/shop'],
    ['postgres://app:s3%40cret@[::1]/shop', 'postgres://app:***@[::1]/shop'],
    ['postgres://app:s3@cret@db/shop', 'postgres://app:***@db/shop'],
    ['postgres://app:s3cret@/shop?host=/run', 'postgres://app:***@/shop?host=%2Frun'],
    ['postgres://db/shop?password=s3cret&sslmode=require&sslpassword=s3cret', 'postgres://db/shop?password=***&***'],
    [
      'postgres://db/shop?sslmode=require&sslpassword=s3&cret',
      'postgres://db/shop?sslmode=require&sslpassword=***&***',
    ],
    ['postgres://db/shop?PASSWORD=s3cret', 'postgres://db/shop?PASSWORD=***'],
    ['postgres://db/shop?pass%77ord=s3cret', 'postgres://db/shop?password=***'],
    ['postgres://db/shop#s3cret', 'postgres://db/shop#***'],
    ['redis://:s3cret@cache:6379/0', 'redis://:***@cache:6379/0'],
    ['redis://s3cret@cache', 'redis://***@cache'],
    ['postgres://db/shop?sslcert=-----BEGIN PRIVATE KEY-----\nMC4C', 'postgres://db/shop?sslcert=***'],
    ['postgres://app:12/s3cret@db/shop', '(hidden)'],
    ['postgres://app:12?s3cret@db/shop', '(hidden)'],
    ['postgres://app:12#s3cret@db/shop', '(hidden)'],
    ['postgres://app:s3/cret@db/shop', '(hidden)'],
    ['app:s3cret@db/shop', '(hidden)'],
    ['', '(hidden)'],
  ])('%s is %s', (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });
});

describe('any text in print', () => {
  it.each([
    ['enforce', 'enforce'],
    ['postgres://app:s3cret@db/shop', 'postgres://app:***@db/shop'],
    ['see postgres://app:s3cret@db/shop', '(hidden)'],
    ['host=db password=s3cret', '(hidden)'],
    ['-----BEGIN PRIVATE KEY-----\nMC4C', '(hidden)'],
    ['-----BEGIN EC PRIVATE KEY-----\\nMC4C', '(hidden)'],
    ['LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t', '(hidden)'],
    [`MIGHAgEAMBMGByqG\n${'Ab3+/'.repeat(20)}==`, '(hidden)'],
    [`/etc/${'Ab3/'.repeat(20)}key.pem`, `/etc/${'Ab3/'.repeat(20)}key.pem`],
    ['x'.repeat(200), `${'x'.repeat(120)}…`],
  ])('%s is %s', (text, shown) => {
    expect(maskText(text)).toBe(shown);
  });

  it('is quoted in a message, so that it cannot break out of its line', () => {
    expect(showMistake('a\nb"c', false)).toBe('"a\\nb\\"c"');
    expect(showMistake('\u001b[31m\ud800', false)).toBe('"\\u001b[31m\\ud800"');
  });

  it('shows of objects, lists and functions only what they are', () => {
    const secret = { password: 's3cret', toString: () => 's3cret' };
    expect(
      ['x', secret, [secret], () => secret, Symbol('s3cret'), null].map((value) => showMistake(value, true)),
    ).toEqual(['(hidden)', 'an object', 'a list', 'a function', 'a symbol', 'null']);
  });
});
