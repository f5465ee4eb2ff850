import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, SHOP, withPool } from './support.js';

describe('servers', () => {
  const code = { pools: { a: {}, b: { url: 'postgres://b/code' } }, routes: { only: {} } };

  it('takes its own variable, then the code, then the shared variable', () => {
    const env = { DATABASE_URL: 'postgres://shared/db', REDIS_URL: 'redis://shared', SLUICE_POOL_A_URL: '' };
    const config = resolveConfig(code, env);
    expect(config.pools.get('a')?.url).toBe('postgres://shared/db');
    expect(config.origins.get('pools.a.url')).toEqual({ origin: 'fallback', variable: 'DATABASE_URL' });
    expect(config.pools.get('b')?.url).toBe('postgres://b/code');
    expect(config.redisUrl).toBe('redis://shared');
    const own = resolveConfig(code, {
      ...env,
      SLUICE_POOL_B_URL: 'postgresql://b/own',
      SLUICE_REDIS_URL: 'rediss://own',
    });
    expect(own.pools.get('b')?.url).toBe('postgresql://b/own');
    expect(own.redisUrl).toBe('rediss://own');
  });

  it.each(['redis://cache', 'redis://cache/', 'redis://cache/0', 'redis://cache:6379/15'])('takes %s', (redisUrl) => {
    expect(resolveConfig({ ...code, redisUrl }, { DATABASE_URL: SERVER }).redisUrl).toBe(redisUrl);
  });

  it('says what the path of a Redis has to be', () => {
    const [problem] = problemsOf({ ...SHOP, redisUrl: 'redis://:s3cret@cache/abc' });
    expect(problem).toMatchObject({ where: 'redisUrl', value: '"redis://:***@cache/abc"' });
    expect(problem?.remedy).toMatch(/as its path nothing or the number of a database, a whole number from 0/);
  });

  it.each([
    'redis://cache?enableOfflineQueue=true',
    'rediss://cache?tls=RedisCloudFixed',
    'redis://cache/1?ssl_cert_reqs=none',
    'redis://cache?family=five',
  ])('refuses %s: a parameter would change what the client is made with', (redisUrl) => {
    const [problem] = problemsOf({ ...SHOP, redisUrl });
    expect(problem?.remedy).toMatch(/of parameters only db, family, username, password and connectionName$/);
    expect(problemsOf({ ...SHOP, redisUrl: 'rediss://cache?family=0&db=3&connectionName=shop' })).toEqual([]);
  });

  // Its client takes none of them, and its error would show the password.
  it.each([
    ['redis://:s3cret@/', '"redis://:***@/"'],
    ['redis://app:s3cret@/0', '"redis://app:***@/0"'],
    ['rediss://app:s3cret@/0?db=1', '"rediss://app:***@/0?db=1"'],
    ['redis://:s3cret@', '(hidden)'],
    ['redis://:s3cret@:6379/0', '(hidden)'],
    ['redis://:s3cret@cache:0/', '"redis://:***@cache:0/"'],
  ])('refuses %s, a Redis without a host or port, and shows nothing of its password', (redisUrl, value) => {
    const remedy = expect.stringMatching(/a port from 1 to 65535, .*, a host where there is a user or password,/);
    for (const where of ['redisUrl', 'SLUICE_REDIS_URL', 'REDIS_URL']) {
      const problems =
        where === 'redisUrl' ? problemsOf({ ...SHOP, redisUrl }) : problemsOf(SHOP, { [where]: redisUrl });
      expect(problems).toEqual([{ where, value, remedy }]);
    }
  });

  it('names both remedies where no server is given, and takes an empty URL in the code for none', () => {
    const line = 'pools.only.url: no server; set it in the code, or set SLUICE_POOL_ONLY_URL or DATABASE_URL';
    expect(linesOf(withPool({ url: undefined }))).toEqual([line]);
    expect(linesOf(withPool({ url: '' }))).toEqual([line]);
    expect(problemsOf(withPool({ url: '' }), { DATABASE_URL: SERVER })).toEqual([]);
  });

  it('reports a shared variable once, however many pools use it', () => {
    const problems = problemsOf({ pools: { a: {}, b: {} }, routes: { only: {} } }, { DATABASE_URL: 'mongodb://h/db' });
    expect(problems.map(({ where }) => where)).toEqual(['DATABASE_URL']);
  });

  it('does not quote what may be a password, not even where the URL is none', () => {
    const [line] = linesOf(SHOP, { SLUICE_POOL_CHECKOUT_URL: 'app:s3cret@db/shop' });
    expect(line).toMatch(/^SLUICE_POOL_CHECKOUT_URL is \(hidden\): use a URL/);
  });

  it('does not look at a shared variable that nobody uses', () => {
    expect(problemsOf(SHOP, { DATABASE_URL: 'sqlite:shop.db' })).toEqual([]);
  });

  it.each([
    'mysql://app:p%40ss@db:3306/shop',
    'mariadb://db/shop',
    'postgresql:///shop?host=/run/postgresql',
    'postgres://app:pw@/shop?host=/run/postgresql',
    'postgres://%2Frun%2Fpostgresql/shop',
    'postgres://app:p%40ss@[::1]:5432/shop?sslmode=require',
    'POSTGRES://app@db/shop',
  ])('accepts %s', (url) => {
    expect(problemsOf(withPool({ url }))).toEqual([]);
  });

  it.each([
    'shop',
    'db:5432',
    'mongodb://db/shop',
    'postgres:/db',
    'postgres://db:port/shop',
    'postgres://db:0/shop',
    'postgres://u:1/2@db/shop',
  ])('does not accept %s', (url) => {
    expect(problemsOf(withPool({ url })).map(({ where }) => where)).toEqual(['pools.only.url']);
  });
});
