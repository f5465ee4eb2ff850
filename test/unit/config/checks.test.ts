import { describe, expect, it } from 'vitest';
import { linesOf, problemsOf, SHOP, type Untyped, withPool, withRoute } from './support.js';

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

  it.each([
    ['minIdle', 3],
    ['headroom', 2],
  ])('keeps %s within the pool', (key, most) => {
    expect(problemsOf(withPool({ max: 3, [key]: most }))).toEqual([]);
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

  it('gives hours to a route of any class but the critical one', () => {
    expect(problemsOf(withRoute({ window: '22:00-06:00', timeZone: 'Europe/Berlin' }))).toEqual([]);
    expect(linesOf(withRoute({ window: '22:00-06:00' }), { SLUICE_ROUTE_ONLY_PRIORITY: 'critical' })).toEqual([
      'routes.only.window is "22:00-06:00": the critical class is served at any time; leave it out, or use a lower ' +
        'class (SLUICE_ROUTE_ONLY_PRIORITY)',
    ]);
    expect(linesOf(withRoute({ timeZone: 'UTC' }))).toEqual([
      'routes.only.timeZone is UTC: means nothing without a window; set routes.only.window as well',
    ]);
    expect(linesOf(withRoute({ window: '22:00' }), { SLUICE_ROUTE_ONLY_TIME_ZONE: 'Mars/Olympus' })).toEqual(
      [
        'SLUICE_ROUTE_ONLY_TIME_ZONE is "Mars/Olympus": use a time zone of the IANA database, such as Europe/Berlin',
        'routes.only.window is "22:00": use two different times of day, such as 22:00-06:00',
      ].toReversed(),
    );
  });
});
