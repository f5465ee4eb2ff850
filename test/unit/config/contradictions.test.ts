import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, type Untyped, withPool, withRoute } from './support.js';

/** Pools that give way to one another as told. */
function yielding(edges: Readonly<Record<string, string | undefined>>, more: Untyped = {}): Untyped {
  const pools = Object.entries(edges).map(([name, yieldsTo]) => [name, { url: SERVER, yieldsTo, ...more }]);
  return { pools: Object.fromEntries(pools), routes: { only: {} } };
}

/** One pool and one route on it. */
function pair(pool: Untyped, route: Untyped): Untyped {
  return { pools: { only: { url: SERVER, ...pool } }, routes: { only: { pool: 'only', ...route } } };
}

describe('a pool that gives way', () => {
  it('names another pool', () => {
    expect(problemsOf(yielding({ a: undefined, b: 'a', c: 'a' }))).toEqual([]);
    expect(linesOf(yielding({ checkout: undefined, reports: 'chekout' }))).toEqual([
      'pools.reports.yieldsTo is "chekout": no such pool; the pools are checkout, reports; did you mean checkout?',
    ]);
  });

  it('never gives way to itself, by whatever detour', () => {
    expect(linesOf(yielding({ a: 'a' }))).toEqual([
      'pools.a.yieldsTo is "a": a pool cannot give way to itself (a → a)',
    ]);
    expect(linesOf(yielding({ a: 'b', b: 'c', c: 'a' }))).toEqual([
      'pools.a.yieldsTo is "b": a pool cannot give way to itself (a → b → c → a)',
      'pools.b.yieldsTo is "c": a pool cannot give way to itself (b → c → a → b)',
      'pools.c.yieldsTo is "a": a pool cannot give way to itself (c → a → b → c)',
    ]);
    // A pool before a ring is not part of it.
    expect(linesOf(yielding({ a: 'b', b: 'b' }))).toHaveLength(1);
  });

  it('is on the same server as the pool that it gives way to', () => {
    const two = (url: string, other: string, more: Untyped = {}): Untyped => ({
      pools: { checkout: { url: other }, reports: { url, yieldsTo: 'checkout', ...more } },
      routes: { only: {} },
    });
    expect(linesOf(two('postgres://app:s3cret@replica/shop', 'postgres://app:s3cret@db:6000/shop'))).toEqual([
      'pools.reports.yieldsTo is "checkout": that pool is on another server, db:6000, and this one on replica:5432: ' +
        'giving way would free nothing there; leave it out, write both URLs with one host and port, ' +
        'or set pooler to pgbouncer where they meet behind one',
    ]);
    expect(linesOf(two('mysql://db/shop', 'postgres://db/shop'))).toHaveLength(1);
    expect(linesOf(two('postgres://a@db:5433/shop', 'postgres://b@db/shop'))).toHaveLength(1);
    expect(linesOf(two('postgres:///shop?host=/run/one', 'postgres:///shop?host=/run/two'))).toHaveLength(1);
    // One server, written otherwise; one that the URLs do not tell; and a mistake that is told already.
    for (const [url, other] of [
      ['postgres://a@DB/shop', 'postgresql://b@db:5432/other'],
      ['postgres://localhost/shop', 'postgres://[::1]:5432/shop'],
      ['postgres://app@/shop?host=/run/one', 'postgres:///shop?host=/run/one'],
      ['postgres://db/shop', 'postgres://simulated.invalid/none'],
    ] as const) {
      expect(linesOf(two(url, other))).toEqual([]);
    }
    expect(linesOf(two('postgres://bouncer:6432/shop', 'postgres://db/shop', { pooler: 'pgbouncer' }))).toEqual([]);
    expect(linesOf(two('postgres://db/shop', 'sqlite:shop.db'))).toHaveLength(1);
  });

  it('may be moved to another server by the environment, which cannot unset what the code says', () => {
    const both: Untyped = {
      pools: { checkout: { url: SERVER }, reports: { url: SERVER, yieldsTo: 'checkout' } },
      routes: { only: {} },
    };
    const elsewhere = 'postgres://elsewhere/shop';
    expect(linesOf(both, { SLUICE_POOL_CHECKOUT_URL: elsewhere })).toEqual([]);
    expect(linesOf(both, { SLUICE_POOL_REPORTS_URL: elsewhere })).toEqual([]);
    const said = { SLUICE_POOL_REPORTS_URL: elsewhere, SLUICE_POOL_REPORTS_YIELDS_TO: 'checkout' };
    expect(linesOf(both, said)).toEqual([
      expect.stringMatching(/^SLUICE_POOL_REPORTS_YIELDS_TO is "checkout": that pool is on another server/),
    ]);
  });

  it('has a target only where it gives way', () => {
    expect(linesOf(withPool({ targetMs: 20 }))).toEqual([
      'pools.only.targetMs is 20: means nothing without a pool to yield to; set pools.only.yieldsTo as well',
    ]);
    expect(
      problemsOf({
        pools: { a: { url: SERVER }, b: { url: SERVER, yieldsTo: 'a', targetMs: 20 } },
        routes: { only: {} },
      }),
    ).toEqual([]);
  });

  it('keeps no more seats than it has', () => {
    expect(problemsOf(withPool({ max: 3, minSeats: 3 }))).toEqual([]);
    expect(problemsOf(withPool({ max: 3, operationsPerRequest: 0.5, minSeats: 6 }))).toEqual([]);
    expect(linesOf(withPool({ max: 3 }), { SLUICE_POOL_ONLY_MIN_SEATS: '4' })).toEqual([
      'SLUICE_POOL_ONLY_MIN_SEATS is 4: use at most 3, the seats of the pool',
    ]);
    const one = resolveConfig({ pools: { only: { url: SERVER, max: 1 } }, routes: { only: {} } }, {});
    expect(one.pools.get('only')?.minSeats).toBe(1);
  });
});

describe('a pool on MySQL', () => {
  it('says nothing of poolers, which are looked for before PostgreSQL only', () => {
    const adminUrl = 'postgres://stats:s3cret@pooler:6432/pgbouncer';
    const pooled = { pooler: 'pgbouncer', poolerSize: 8, poolerAdminUrl: adminUrl };
    const nothing = 'means nothing on MySQL: no pooler is looked for before it; leave it out';
    for (const url of ['mysql://db/shop', 'mariadb://db/shop']) {
      expect(linesOf(withPool({ url, ...pooled }))).toEqual([
        `pools.only.pooler is "pgbouncer": ${nothing}`,
        `pools.only.poolerSize is 8: ${nothing}`,
        `pools.only.poolerAdminUrl: ${nothing}`,
      ]);
      expect(problemsOf(withPool({ url, pooler: 'none' }))).toEqual([]);
    }
    expect(linesOf(withPool({ url: 'mysql://db/shop' }), { SLUICE_POOL_ONLY_POOLER_SIZE: '9' })).toEqual([
      `SLUICE_POOL_ONLY_POOLER_SIZE is 9: ${nothing}`,
    ]);
    expect(problemsOf(withPool({ url: SERVER, ...pooled }))).toEqual([]);
  });
});

describe('a pool without a pooler', () => {
  it('says nothing of one', () => {
    const nothing = 'means nothing beside pools.only.pooler "none"; leave it out';
    const poolerAdminUrl = 'postgres://stats:s3cret@pooler:6432/pgbouncer';
    expect(linesOf(withPool({ url: SERVER, pooler: 'none', poolerSize: 8, poolerAdminUrl }))).toEqual([
      `pools.only.poolerSize is 8: ${nothing}`,
      `pools.only.poolerAdminUrl: ${nothing}`,
    ]);
    expect(problemsOf(withPool({ url: SERVER, pooler: 'auto', poolerSize: 8, poolerAdminUrl }))).toEqual([]);
  });
});

describe('a pool and its routes', () => {
  it('leave a seat to the lower classes', () => {
    expect(linesOf(pair({ max: 4, headroom: 4 }, { priority: 'normal' }))).toEqual([
      'pools.only.headroom is 4: leaves none of 4 seats (pools.only.max) to only; use at most 3',
    ]);
    expect(problemsOf(pair({ max: 4, headroom: 4 }, { priority: 'critical' }))).toEqual([]);
    expect(problemsOf(pair({ max: 4, headroom: 3 }, { priority: 'normal' }))).toEqual([]);
  });

  it('fit the peak of the critical class into its cap', () => {
    const route = { priority: 'critical', ratePerSecond: 400, expectedMs: 20 };
    expect(problemsOf(pair({ max: 16 }, route))).toEqual([]);
    expect(linesOf(pair({ max: 8 }, route))).toEqual([
      'pools.only.capCritical is 0.9: only 400/s × 20 ms is 8 seats at peak, and the critical class gets at most 0.9 of ' +
        '8 seats (pools.only.max), which is 7.2; use a lower ratePerSecond, more connections, or a larger cap',
    ]);
    expect(linesOf(pair({ max: 8, operationsPerRequest: 0.5 }, { ...route, cost: 3 }))).toEqual([
      'pools.only.capCritical is 0.9: only 400/s × 20 ms × 3 seats is 24 seats at peak, and the critical class gets at ' +
        'most 0.9 of 16 seats (pools.only.max 8 / pools.only.operationsPerRequest 0.5), which is 14.4; ' +
        'use a lower ratePerSecond, more connections, or a larger cap',
    ]);
    // 0.6 × 3 is a little less than 1.8 in binary fractions, and 7 / 0.14 a little less than 50.
    const even = { priority: 'critical', ratePerSecond: 36, expectedMs: 50 };
    expect(problemsOf(pair({ max: 3, capCritical: 0.6 }, even))).toEqual([]);
    expect(problemsOf(pair({ max: 7, operationsPerRequest: 0.14 }, { cost: 50 }))).toEqual([]);
    expect(linesOf(pair({ max: 3, capCritical: 0.6 }, { ...even, ratePerSecond: 36.1 }))).toHaveLength(1);
    // A lower class may ask for more than its share: it gets what the others leave.
    expect(problemsOf(pair({ max: 8 }, { ...route, priority: 'low' }))).toEqual([]);
  });

  it('leave a share to the critical class', () => {
    expect(linesOf(pair({ max: 16, capCritical: 0 }, { priority: 'critical' }))).toEqual([
      'pools.only.capCritical is 0: 0 × 16 seats (pools.only.max) is 0 seats for only, of the critical class; ' +
        'use more than 0, or a lower priority',
    ]);
    expect(problemsOf(pair({ max: 16, capCritical: 0 }, { priority: 'high' }))).toEqual([]);
    expect(problemsOf(pair({ max: 16, capCritical: 0.01 }, { priority: 'critical' }))).toEqual([]);
  });

  it('let a request below critical cost no more seats than fixed headroom leaves', () => {
    const pool = { max: 8, headroom: 5 };
    expect(linesOf(pair(pool, { priority: 'low', cost: 8 }))).toEqual([
      'routes.only.cost is 8: more than is left of 8 seats (pools.only.max) where pools.only.headroom keeps 5 for the critical class; use at most 3',
    ]);
    expect(problemsOf(pair(pool, { priority: 'low', cost: 3 }))).toEqual([]);
    expect(problemsOf(pair(pool, { priority: 'critical', cost: 8 }))).toEqual([]);
    expect(problemsOf(pair({ max: 8 }, { priority: 'low', cost: 8 }))).toEqual([]);
  });

  it('let a request cost no more seats than there are', () => {
    expect(problemsOf(pair({ max: 4 }, { cost: 4 }))).toEqual([]);
    expect(linesOf(pair({ max: 4 }, { cost: 5 }))).toEqual([
      'routes.only.cost is 5: more than pool "only" has: 4 seats (pools.only.max); use at most 4',
    ]);
    expect(linesOf(withRoute({ concurrency: 2 }), { SLUICE_ROUTE_ONLY_COST: '3' })).toEqual([
      'SLUICE_ROUTE_ONLY_COST is 3: more than its concurrency limit (routes.only.concurrency is 2); use at most 2',
    ]);
    expect(linesOf(withRoute({ cost: 2 }))).toEqual([
      'routes.only.cost is 2: means nothing for a route without seats; give it a pool or a concurrency',
    ]);
  });

  it('give a request at least the time that it is expected to take', () => {
    expect(problemsOf(withRoute({ expectedMs: 500, deadlineMs: 500 }))).toEqual([]);
    expect(linesOf(withRoute({ expectedMs: 501, deadlineMs: 500 }))).toEqual([
      'routes.only.deadlineMs is 500: routes.only.expectedMs is 501: every request would be refused as unreachable; ' +
        'use at least that',
    ]);
  });

  it('are not judged by values that are mistaken themselves', () => {
    const whereOf = (code: Untyped): string[] => problemsOf(code).map(({ where }) => where);
    expect(whereOf(pair({ max: 0, headroom: 4, minSeats: 9, yieldsTo: 3 }, { cost: 9 }))).toEqual([
      'pools.only.max',
      'pools.only.yieldsTo',
    ]);
    expect(whereOf(withRoute({ concurrency: 0, cost: 9 }))).toEqual(['routes.only.concurrency']);
    expect(whereOf({ pools: { only: { url: SERVER, targetMs: 20, yieldsTo: 3 } }, routes: { only: {} } })).toEqual([
      'pools.only.yieldsTo',
    ]);
  });

  it.each(['costOf', 'tenantOf'])('take for %s only a function', (key) => {
    const own = (): undefined => undefined;
    const code = { routes: { only: { [key]: own } } };
    expect(resolveConfig(code, {}).routes.get('only')).toHaveProperty(key, own);
    expect(problemsOf(withRoute({ [key]: 'x' }))).toMatchObject([{ where: `routes.only.${key}`, value: '"x"' }]);
  });
});

describe('a bound on the concurrent work of a fleet', () => {
  it('is for routes that have a rate, and wait for nobody less than the critical ones', () => {
    expect(problemsOf(withRoute({ fleetMaxConcurrent: 4, ratePerSecond: 10, priority: 'low' }))).toEqual([]);
    expect(linesOf(withRoute({ fleetMaxConcurrent: 4 }))).toEqual([
      'routes.only.fleetMaxConcurrent is 4: means a word with Redis for every request; set routes.only.ratePerSecond as well',
    ]);
    expect(linesOf(withRoute({ fleetMaxConcurrent: 4, ratePerSecond: 10, priority: 'critical' }))).toEqual([
      'routes.only.fleetMaxConcurrent is 4: not for the critical class, which never waits for Redis; ' +
        'use the seats of its pool, or a lower priority',
    ]);
    // A rate that is mistaken is told once, and not as one that is missing.
    expect(linesOf(withRoute({ fleetMaxConcurrent: 4, ratePerSecond: -1 }))).toHaveLength(1);
  });
});
