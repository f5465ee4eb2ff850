import { describe, expect, it } from 'vitest';
import { type LoginChange, LoginSettingError } from '../../../src/pools/login.js';
import { MysqlTarget } from '../../../src/pools/mysql-target.js';
import { PgTarget } from '../../../src/pools/pg-target.js';

const SECRET = 'Zq7';

describe.each([
  ['PostgreSQL', PgTarget, 'postgres'],
  ['MySQL', MysqlTarget, 'mysql'],
] as const)('a change of the login of %s', (_, Target, scheme) => {
  const url = `${scheme}://app:${SECRET}@db/shop`;

  it.each<[unknown, string]>([
    [
      { password: undefined },
      'password of pool "main": it must be a string, or a function that gives one, and is undef',
    ],
    [{ password: null }, 'and is null; leave it out where it stays'],
    [{ password: 12_345 }, 'and is a number;'],
    [{ user: 'app', password: [SECRET] }, 'and is an array;'],
    [{ url: new URL(url) }, 'url of pool "main": it must be a string, and is an object;'],
    [{ user: undefined }, 'user of pool "main": it must be a string, and is undefined;'],
    [{ user: '' }, 'user of pool "main" is "": name a user'],
    [{ pasword: SECRET }, 'pasword of pool "main": it is not known here; use url, user, password'],
    [{}, 'the change of pool "main" is "{}": nothing would change; name what does of url, user, password'],
    [null, 'the change of pool "main" is "null": give an object'],
    [SECRET, 'the change of pool "main" is "a string": give an object'],
  ])('that is %o is refused, and tells no secret', (change, message) => {
    const make = (): unknown => new Target('main', { url }).changed(change as LoginChange);
    expect(make).toThrow(LoginSettingError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(SECRET);
    expect(make).not.toThrow('12345');
  });

  it('may be empty where something is read or asked again', () => {
    const password = (): string => 'asked';
    expect(new Target('main', { url, password }).changed({}).password).toBe(password);
  });
});
