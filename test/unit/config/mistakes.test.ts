import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, SHOP, type Untyped, withPool, withRoute } from './support.js';

describe('mistakes', () => {
  const NUMBER = 'use a number from 1 to 10000000';

  it.each(['1e3', '0x10', 'Infinity', 'NaN', '12abc', '1_000', '1,000', '--1', '+5', '1.', '0', '-1', '9'.repeat(400)])(
    'does not take the variable %j for a burst',
    (text) => {
      const [problem, ...others] = problemsOf(SHOP, { SLUICE_ROUTE_CHECKOUT_BURST: text });
      expect(problem).toMatchObject({ where: 'SLUICE_ROUTE_CHECKOUT_BURST', remedy: NUMBER });
      expect(problem?.value).toContain(JSON.stringify(text).slice(0, 100));
      expect(others).toEqual([]);
    },
  );

  it.each([
    ['SLUICE_POOL_CHECKOUT_MAX', '1.5'],
    ['SLUICE_POOL_CHECKOUT_MAX', '1001'],
    ['SLUICE_POOL_CHECKOUT_OPERATIONS_PER_REQUEST', '0'],
    ['SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND', '0'],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'maybe'],
    ['SLUICE_ROUTE_CHECKOUT_PRIORITY', 'urgent'],
    ['SLUICE_BUDGET_HEADERS', 'x-a,,x-b'],
    ['SLUICE_BUDGET_HEADERS', 'x a'],
    ['SLUICE_PRIORITY_HEADER', 'x:y'],
    ['SLUICE_APPLICATION_NAME', 'naïve'],
    ['SLUICE_APPLICATION_NAME', 'x'.repeat(64)],
    ['SLUICE_BUDGET_RESERVE', '0.21'],
    ['SLUICE_BUDGET_RESERVE', '0.09'],
    ['SLUICE_BUDGET_RESERVE', '0'],
    ['SLUICE_REDIS_URL', 'http://redis'],
    ['SLUICE_REDIS_URL', 'redis://host:6379/abc'],
    ['SLUICE_REDIS_URL', 'redis://host/-1'],
    ['SLUICE_REDIS_URL', 'redis://host/1.5'],
    ['REDIS_URL', 'rediss://host/0/1'],
    ['SLUICE_REDIS_URL', 'redis://host?db=abc'],
  ])('does not take %s=%s', (variable, text) => {
    expect(problemsOf(SHOP, { [variable]: text }).map(({ where }) => where)).toEqual([variable]);
  });

  it.each<[string, Untyped, string]>([
    ['routes.only.burst', { burst: '800', ratePerSecond: 1 }, '"800"'],
    ['routes.only.burst', { burst: Number.NaN, ratePerSecond: 1 }, 'NaN'],
    ['routes.only.deadlineMs', { deadlineMs: Number.POSITIVE_INFINITY }, 'Infinity'],
    ['routes.only.deadlineMs', { deadlineMs: null }, 'null'],
    ['routes.only.deadlineMs', { deadlineMs: 5n }, '5n'],
    ['routes.only.stream', { stream: 'true' }, '"true"'],
    ['routes.only.stream', { stream: {} }, 'an object'],
    ['routes.only.priority', { priority: ['high'] }, 'a list'],
    ['routes.only.maxQueued', { maxQueued: () => 1 }, 'a function'],
  ])('does not take for %s %o', (where, route, value) => {
    expect(problemsOf(withRoute(route))).toMatchObject([{ where, value }]);
  });

  it.each(['tlsKey', 'tlsCert', 'tlsCa'])('does not show the text of a PEM file that is given for %s', (field) => {
    const text = '-----BEGIN PRIVATE KEY-----\nZq7\n-----END PRIVATE KEY-----\n';
    const remedy = 'is (hidden): this is the text of a PEM file; name a file';
    expect(linesOf(withPool({ [field]: text }))).toEqual([`pools.only.${field} ${remedy}`]);
    const variable = `SLUICE_POOL_ONLY_${field.replace('tls', 'TLS_').toUpperCase()}`;
    expect(linesOf(withPool({}), { [variable]: text })).toEqual([`${variable} ${remedy}`]);
  });

  it('lists all of them at once, in code and environment', () => {
    const code = {
      mod: 'off',
      pools: { checkout: { url: SERVER, maxx: 3, max: 0 } },
      routes: { checkout: { pool: 'chekout', perCaler: {} }, 'sales-report': {} },
    };
    const env = { SLUICE_ROUTE_CHEKOUT_BURST: '1', SLUICE_MODE: 'on', SLUICE_POOL_CHECKOUT_MIN_IDLE: 'x' };
    expect(linesOf(code, env)).toEqual([
      'routes["sales-report"]: a name is a lower-case letter, then up to 63 letters and digits',
      'mod: no such field; did you mean mode?',
      'SLUICE_MODE is "on": use one of enforce, observe, off',
      'pools.checkout.maxx: no such field; did you mean max?',
      'pools.checkout.max is 0: use a whole number from 1 to 1000',
      'SLUICE_POOL_CHECKOUT_MIN_IDLE is "x": use a whole number from 0 to 1000',
      'routes.checkout.perCaler: no such field; did you mean perCaller?',
      'routes.checkout.pool is "chekout": no such pool; the pools are checkout; did you mean checkout?',
      'SLUICE_ROUTE_CHEKOUT_BURST: no such variable; did you mean SLUICE_ROUTE_CHECKOUT_BURST?',
    ]);
  });

  it('puts every line into the message of one error', () => {
    const run = (): unknown => resolveConfig(SHOP, { SLUICE_MODE: 'x', SLUICE_INSTANCES: '0' });
    expect(run).toThrow(
      [
        'The configuration of Sluice has 2 mistakes:',
        '  - SLUICE_MODE is "x": use one of enforce, observe, off',
        '  - SLUICE_INSTANCES is "0": use a whole number from 1 to 10000',
      ].join('\n'),
    );
  });

  it('reports the code as well where a variable that should replace it is mistaken, and not where it is sound', () => {
    const code = withPool({ max: 5000 });
    expect(problemsOf(code, { SLUICE_POOL_ONLY_MAX: 'x' }).map(({ where }) => where)).toEqual([
      'SLUICE_POOL_ONLY_MAX',
      'pools.only.max',
    ]);
    expect(problemsOf(code, { SLUICE_POOL_ONLY_MAX: '5' })).toEqual([]);
  });

  it.each<[unknown, string[]]>([
    [null, ['options', 'routes']],
    ['text', ['options', 'routes']],
    [[], ['options', 'routes']],
    [{}, ['routes']],
    [{ routes: {} }, ['routes']],
    [{ routes: [] }, ['routes', 'routes']],
    [{ routes: { only: 1 } }, ['routes.only']],
    [{ routes: { only: undefined } }, ['routes.only']],
    [{ routes: { only: {} }, pools: new Map() }, ['pools']],
  ])('meets options that are no options: %j', (code, where) => {
    expect(problemsOf(code as Untyped).map((problem) => problem.where)).toEqual(where);
  });
});
