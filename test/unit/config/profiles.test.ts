import { describe, expect, it } from 'vitest';
import { formatConfig } from '../../../src/config/describe.js';
import type { GatewayOptions } from '../../../src/config/options.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { linesOf, problemsOf, SERVER, withPool } from './support.js';

const CODE: GatewayOptions = {
  pools: {
    main: { url: SERVER },
    nightly: { url: SERVER, profile: 'batch' },
    schema: { url: SERVER, profile: 'migration' },
  },
  routes: { shop: { pool: 'main' }, export: { pool: 'nightly' }, alter: { pool: 'schema' }, none: {} },
};

const read = (code: GatewayOptions = CODE, env = {}) => {
  const config = resolveConfig(code, env);
  return {
    config,
    pool: (name: string) => config.pools.get(name),
    route: (name: string) => config.routes.get(name),
    origin: (path: string) => config.origins.get(path)?.origin,
  };
};

describe('the profile of a pool', () => {
  it('sets few connections, long deadlines and a lock timeout that fits', () => {
    const { pool, route } = read();
    expect(pool('nightly')).toMatchObject({
      max: 2,
      minIdle: 0,
      lockTimeoutMs: 30_000,
      rideOutMs: 30_000,
      minSeats: 2,
    });
    expect(pool('schema')).toMatchObject({ max: 1, minIdle: 0, lockTimeoutMs: 2_000, rideOutMs: 30_000, minSeats: 1 });
    expect([route('export')?.deadlineMs, route('alter')?.deadlineMs]).toEqual([600_000, 3_600_000]);
  });

  it('leaves all other pools and routes as they are', () => {
    const { pool, route, origin } = read();
    expect(pool('main')).toMatchObject({ max: 10, minIdle: 2, lockTimeoutMs: 0, rideOutMs: 2_000 });
    expect(['shop', 'none'].map((name) => route(name)?.deadlineMs)).toEqual([10_000, 10_000]);
    expect(['pools.main.max', 'routes.shop.deadlineMs'].map(origin)).toEqual(['default', 'default']);
  });

  it('is overridden by code and by environment, each value by itself', () => {
    const env = { SLUICE_POOL_SCHEMA_LOCK_TIMEOUT_MS: '500', SLUICE_ROUTE_ALTER_DEADLINE_MS: '7000' };
    const code = { ...CODE, pools: { ...CODE.pools, nightly: { url: SERVER, profile: 'batch' as const, max: 4 } } };
    const { pool, route, origin } = read(code, env);
    expect(pool('nightly')).toMatchObject({ max: 4, lockTimeoutMs: 30_000 });
    expect(pool('schema')).toMatchObject({ max: 1, lockTimeoutMs: 500 });
    expect(route('alter')?.deadlineMs).toBe(7_000);
    const paths = [
      'pools.nightly.max',
      'pools.nightly.minIdle',
      'pools.schema.lockTimeoutMs',
      'routes.alter.deadlineMs',
    ];
    expect(paths.map(origin)).toEqual(['code', 'profile', 'environment', 'environment']);
  });

  it('can be set, and a route moved to such a pool, by the environment', () => {
    const { pool, route, origin } = read(CODE, {
      SLUICE_POOL_MAIN_PROFILE: 'Migration',
      SLUICE_ROUTE_NONE_POOL: 'main',
    });
    expect(pool('main')).toMatchObject({ profile: 'migration', max: 1 });
    expect(route('none')?.deadlineMs).toBe(3_600_000);
    expect(origin('pools.main.profile')).toBe('environment');
  });

  it('shows as the origin of what it set', () => {
    const lines = formatConfig(read().config).split('\n');
    expect(lines.find((line) => line.startsWith('SLUICE_POOL_NIGHTLY_MAX '))).toMatch(/ 2 +profile$/);
    expect(lines.find((line) => line.startsWith('SLUICE_ROUTE_EXPORT_DEADLINE_MS '))).toMatch(/ 600000 +profile$/);
    expect(lines.find((line) => line.startsWith('SLUICE_POOL_NIGHTLY_PROFILE '))).toMatch(/ batch +code$/);
  });

  it('lets an admin pool keep its connections', () => {
    expect(problemsOf(withPool({ profile: 'migration', admin: true }))).toEqual([]);
  });

  it('is one that exists', () => {
    expect(linesOf(withPool({ profile: 'etl' }))).toEqual(['pools.only.profile is "etl": use one of batch, migration']);
  });
});
