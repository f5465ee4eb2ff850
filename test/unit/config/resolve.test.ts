import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, SHOP, type Untyped, withPool, withRoute } from './support.js';

describe('what resolves', () => {
  it('fills every field that is left out with its documented default', () => {
    const config = resolveConfig({ pools: { only: { url: SERVER } }, routes: { only: { pool: 'only' } } }, {});
    const { pools, routes, origins, ...gateway } = config;
    expect(gateway).toEqual({
      mode: 'enforce',
      applicationName: 'sluice',
      instances: 1,
      budgetReserve: 0.15,
      budgetHeaders: ['x-request-timeout-ms'],
      rateLimitHeaders: true,
      serverTiming: false,
      readinessDelayMs: 5_000,
      drainTimeoutMs: 10_000,
      maxEventLoopLagMs: 200,
    });
    expect(pools.get('only')).toEqual({
      name: 'only',
      url: SERVER,
      max: 10,
      minIdle: 2,
      connectTimeoutMs: 2_000,
      idleTimeoutMs: 60_000,
      maxLifetimeMs: 1_800_000,
      validateAfterIdleMs: 5_000,
      lockTimeoutMs: 0,
      rideOutMs: 2_000,
      operationsPerRequest: 1,
      capCritical: 0.9,
      minHigh: 0.06,
      minNormal: 0.03,
      minLow: 0.01,
      breaker: true,
      breakerErrorPercent: 50,
      breakerMinimumCalls: 20,
      breakerWindowMs: 5_000,
      breakerResetMs: 500,
    });
    expect(routes.get('only')).toEqual({
      name: 'only',
      pool: 'only',
      priority: 'normal',
      burst: 1,
      deadlineMs: 10_000,
      maxQueued: 1_000,
      stream: false,
      onDisconnect: 'cancel',
      commitGraceMs: 100,
    });
    expect(new Set(Array.from(origins.values(), ({ origin }) => origin))).toEqual(new Set(['default', 'code']));
  });

  it('puts the environment over the code, and the code over the default', () => {
    const config = resolveConfig(SHOP, { SLUICE_ROUTE_CHECKOUT_BURST: '900', SLUICE_MODE: 'observe' });
    expect(config.mode).toBe('observe');
    expect(config.routes.get('checkout')).toMatchObject({ burst: 900, ratePerSecond: 400, maxQueued: 1_000 });
    expect(config.origins.get('routes.checkout.burst')).toEqual({
      origin: 'environment',
      variable: 'SLUICE_ROUTE_CHECKOUT_BURST',
    });
    expect(config.origins.get('routes.checkout.ratePerSecond')).toEqual({ origin: 'code' });
    expect(config.origins.get('routes.checkout.maxQueued')).toEqual({ origin: 'default' });
  });

  it('takes an empty or blank variable for unset, never for 0', () => {
    const config = resolveConfig(SHOP, { SLUICE_POOL_REPORTS_MAX: '', SLUICE_POOL_CHECKOUT_MAX: '  ', SLUICE_X: '' });
    expect(config.pools.get('reports')?.max).toBe(4);
    expect(config.pools.get('checkout')?.max).toBe(16);
  });

  it('takes an explicit undefined for unset', () => {
    const code = {
      ...SHOP,
      mode: undefined,
      pools: undefined,
      routes: { only: { burst: undefined, pool: undefined } },
    };
    expect(resolveConfig(code, {}).routes.get('only')).toMatchObject({ burst: 1 });
  });

  it.each<[string, string, unknown]>([
    ['SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND', ' 0.5\n', 0.5],
    ['SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND', '.5', 0.5],
    ['SLUICE_ROUTE_CHECKOUT_DEADLINE_MS', '750', 750],
    ['SLUICE_ROUTE_CHECKOUT_MAX_QUEUED', '0', 0],
    ['SLUICE_ROUTE_CHECKOUT_PRIORITY', 'High', 'high'],
    ['SLUICE_ROUTE_CHECKOUT_POOL', 'reports', 'reports'],
    ['SLUICE_ROUTE_CHECKOUT_ON_DISCONNECT', 'finish', 'finish'],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'true', true],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'YES', true],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'on', true],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', '1', true],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'off', false],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'no', false],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', 'False', false],
    ['SLUICE_ROUTE_CHECKOUT_STREAM', '0', false],
  ])('reads %s=%j', (variable, text, value) => {
    const config = resolveConfig(SHOP, { [variable]: text });
    const path = Array.from(config.origins).find(([, origin]) => origin.variable === variable)?.[0] ?? '';
    const route = new Map<string, unknown>(Object.entries(config.routes.get('checkout') ?? {}));
    expect(route.get(path.replace('routes.checkout.', ''))).toBe(value);
  });

  it('reads lists of headers, in lower case and without duplicates', () => {
    const env = {
      SLUICE_BUDGET_HEADERS: 'X-Budget-Ms, grpc-timeout,x-budget-ms',
      SLUICE_PRIORITY_HEADER: 'X-Priority',
    };
    const config = resolveConfig(SHOP, env);
    expect(config.budgetHeaders).toEqual(['x-budget-ms', 'grpc-timeout']);
    expect(config.priorityHeader).toBe('x-priority');
    expect(resolveConfig({ ...SHOP, budgetHeaders: [] }, {}).budgetHeaders).toEqual([]);
  });

  it.each([
    [400, undefined, 400],
    [0.25, undefined, 1],
    [400, 20, 20],
    [undefined, undefined, 1],
  ])('gives a rate of %s with burst %s the burst %s', (ratePerSecond, burst, expected) => {
    const config = resolveConfig({ routes: { only: { ratePerSecond, burst } } }, {});
    expect(config.routes.get('only')?.burst).toBe(expected);
  });

  it.each([
    [1, 1],
    [2, 2],
    [50, 2],
  ])('keeps of %i connections %i idle', (max, minIdle) => {
    const config = resolveConfig({ pools: { only: { url: SERVER, max } }, routes: { only: {} } }, {});
    expect(config.pools.get('only')?.minIdle).toBe(minIdle);
  });

  it('tunes the bucket per caller where the code gave a key', () => {
    const env = {
      SLUICE_ROUTE_SALES_REPORT_PER_CALLER_RATE_PER_SECOND: '2',
      SLUICE_ROUTE_SALES_REPORT_PER_CALLER_MAX_KEYS: '50',
    };
    const route = resolveConfig(SHOP, env).routes.get('salesReport');
    expect(route?.perCaller).toEqual({
      key: SHOP.routes.salesReport?.perCaller?.key,
      ratePerSecond: 2,
      burst: 2,
      maxKeys: 50,
    });
  });
});

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

  it('names both remedies where no server is given, and takes an empty URL in the code for none', () => {
    const line = 'pools.only.url: no server; set it in the code, or set SLUICE_POOL_ONLY_URL or DATABASE_URL';
    expect(linesOf(withPool({ url: undefined }))).toEqual([line]);
    expect(linesOf(withPool({ url: '' }))).toEqual([line]);
    expect(problemsOf(withPool({ url: '' }), { DATABASE_URL: SERVER })).toEqual([]);
  });

  it('reports a shared variable once, however many pools use it', () => {
    const problems = problemsOf({ pools: { a: {}, b: {} }, routes: { only: {} } }, { DATABASE_URL: 'mysql://h/db' });
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
    'mysql://db/shop',
    'postgres:/db',
    'postgres://db:port/shop',
    'postgres://u:1/2@db/shop',
  ])('does not accept %s', (url) => {
    expect(problemsOf(withPool({ url })).map(({ where }) => where)).toEqual(['pools.only.url']);
  });
});

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
    ['SLUICE_BUDGET_RESERVE', '0.95'],
    ['SLUICE_REDIS_URL', 'http://redis'],
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

describe('what must hold between fields', () => {
  it('is not checked against a value that is mistaken itself', () => {
    const whereOf = (code: Untyped, env: Record<string, string>): string[] =>
      problemsOf(code, env).map(({ where }) => where);
    expect(whereOf(withPool({ max: 2, headroom: 2, minIdle: 3 }), { SLUICE_POOL_ONLY_MAX: 'x' })).toEqual([
      'SLUICE_POOL_ONLY_MAX',
    ]);
    expect(whereOf(withPool({ capCritical: 1, minHigh: 1 }), { SLUICE_POOL_ONLY_MIN_LOW: 'x' })).toEqual([
      'SLUICE_POOL_ONLY_MIN_LOW',
    ]);
    expect(whereOf(withRoute({ burst: 5 }), { SLUICE_ROUTE_ONLY_RATE_PER_SECOND: 'x' })).toEqual([
      'SLUICE_ROUTE_ONLY_RATE_PER_SECOND',
    ]);
    expect(whereOf(withPool({ url: undefined }), { SLUICE_POOL_ONLY_URL: 'x' })).toEqual(['SLUICE_POOL_ONLY_URL']);
  });

  it('forgives a sum of shares the rounding of its fractions', () => {
    const shares = [0.75, 0.07, 0.07, 0.11];
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(1);
    const [capCritical, minHigh, minNormal, minLow] = shares;
    expect(problemsOf(withPool({ capCritical, minHigh, minNormal, minLow }))).toEqual([]);
  });

  it('takes the default shares, and names all four where their sum is over 1', () => {
    expect(problemsOf(withPool({ capCritical: 0.7, minHigh: 0.1, minNormal: 0.1, minLow: 0.1 }))).toEqual([]);
    expect(linesOf(withPool({ minLow: 0.02 }), { SLUICE_POOL_ONLY_MIN_HIGH: '0.1' })).toEqual([
      'pools.only.capCritical: pools.only.capCritical (0.9) + SLUICE_POOL_ONLY_MIN_HIGH (0.1) + ' +
        'pools.only.minNormal (0.03) + pools.only.minLow (0.02) is 1.05; use shares with a sum of at most 1',
    ]);
  });

  it.each(['minIdle', 'headroom'])('keeps %s within the pool', (key) => {
    expect(problemsOf(withPool({ max: 3, [key]: 3 }))).toEqual([]);
    expect(linesOf(withPool({ max: 16, [key]: 3 }), { SLUICE_POOL_ONLY_MAX: '2' })).toEqual([
      `pools.only.${key} is 3: use at most SLUICE_POOL_ONLY_MAX, which is 2`,
    ]);
  });

  it('says of a changed pool that is missing which one is near', () => {
    expect(linesOf(SHOP, { SLUICE_ROUTE_CHECKOUT_POOL: 'report' })).toEqual([
      'SLUICE_ROUTE_CHECKOUT_POOL is "report": no such pool; the pools are checkout, reports; did you mean reports?',
    ]);
    expect(linesOf(withRoute({ pool: 'any' }))).toEqual([
      'routes.only.pool is "any": no such pool; there are no pools',
    ]);
  });

  it('allows a concurrency limit only without a pool', () => {
    expect(linesOf(SHOP, { SLUICE_ROUTE_HEALTH_POOL: 'checkout' })).toEqual([
      'routes.health.concurrency is 4: leave it out, the pool bounds the route (SLUICE_ROUTE_HEALTH_POOL)',
    ]);
  });

  it('does not ignore a burst without a rate', () => {
    expect(linesOf(SHOP, { SLUICE_ROUTE_HEALTH_BURST: '5' })).toEqual(
      [
        'SLUICE_ROUTE_HEALTH_BURST is "5": means nothing without a rate limit; set ' +
          'SLUICE_ROUTE_HEALTH_RATE_PER_SECOND or routes.health.ratePerSecond as well',
      ].map((line) => line.replace('"5"', '5')),
    );
  });

  it('asks for the key and the rate of a bucket per caller', () => {
    expect(linesOf(withRoute({ perCaller: { key: 'ip' } }))).toEqual([
      'routes.only.perCaller.ratePerSecond: no rate; set it in the code, or set SLUICE_ROUTE_ONLY_PER_CALLER_RATE_PER_SECOND',
      'routes.only.perCaller.key is "ip": use a function that names the caller of a request',
    ]);
    expect(linesOf(withRoute({}), { SLUICE_ROUTE_ONLY_PER_CALLER_BURST: '3' })).toEqual([
      'SLUICE_ROUTE_ONLY_PER_CALLER_BURST: needs routes.only.perCaller.key, a function, in the code',
    ]);
    expect(problemsOf(withRoute({ perCaller: 5 })).map(({ where }) => where)).toContain('routes.only.perCaller');
  });
});

describe('the result', () => {
  it('cannot be changed, maps and lists included, and leaves the code as it was', () => {
    const headers = ['x-budget-ms'];
    const config = resolveConfig({ ...SHOP, budgetHeaders: headers }, {});
    const checkout = config.pools.get('checkout');
    expect(() => Object.assign(config, { mode: 'off' })).toThrow(TypeError);
    expect(() => Object.assign(checkout ?? {}, { max: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.routes.get('salesReport')?.perCaller ?? {}, { burst: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.origins.get('mode') ?? {}, { origin: 'code' })).toThrow(TypeError);
    expect(() => (config.pools as Map<string, unknown>).set('other', checkout)).toThrow(TypeError);
    expect(() => (config.routes as Map<string, unknown>).clear()).toThrow(TypeError);
    expect(() => (config.budgetHeaders as string[]).push('x-other')).toThrow(TypeError);
    headers.push('x-still-mine');
    expect(config.budgetHeaders).toEqual(['x-budget-ms']);
    expect(Object.isFrozen(SHOP.pools?.checkout)).toBe(false);
  });
});
