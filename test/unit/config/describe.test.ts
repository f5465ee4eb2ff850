import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeConfig, formatConfig } from '../../../src/config/describe.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { SHOP } from './support.js';

const CODE = {
  pools: { main: {}, other: { url: 'postgres://app:s3cret@db/other', headroom: 2 } },
  routes: { only: { pool: 'main', perCaller: { key: () => undefined, ratePerSecond: 3 } } },
};
const ENV = { DATABASE_URL: 'postgres://app:s3cret@db/main?sslpassword=s3cret', SLUICE_REDIS_URL: 'redis://:s3cret@r' };

describe('the effective configuration, described', () => {
  const config = resolveConfig(CODE, ENV);
  const lines = new Map(describeConfig(config).map((line) => [line.name, line]));

  it.each([
    ['SLUICE_MODE', 'mode', 'enforce', 'default', undefined],
    ['SLUICE_REDIS_URL', 'redisUrl', 'redis://:***@r', 'environment', 'SLUICE_REDIS_URL'],
    ['SLUICE_PRIORITY_HEADER', 'priorityHeader', '', 'default', undefined],
    [
      'SLUICE_POOL_MAIN_URL',
      'pools.main.url',
      'postgres://app:***@db/main?sslpassword=***',
      'fallback',
      'DATABASE_URL',
    ],
    ['SLUICE_POOL_MAIN_MIN_IDLE', 'pools.main.minIdle', '2', 'default', undefined],
    ['SLUICE_POOL_OTHER_URL', 'pools.other.url', 'postgres://app:***@db/other', 'code', undefined],
    ['SLUICE_POOL_OTHER_HEADROOM', 'pools.other.headroom', '2', 'code', undefined],
    ['SLUICE_ROUTE_ONLY_POOL', 'routes.only.pool', 'main', 'code', undefined],
    ['SLUICE_ROUTE_ONLY_PER_CALLER_BURST', 'routes.only.perCaller.burst', '3', 'default', undefined],
  ])('has the line of %s', (name, path, value, origin, variable) => {
    expect(lines.get(name)).toEqual({ name, path, value, origin, ...(variable === undefined ? {} : { variable }) });
  });

  it('shows what is in force where another value is its default', () => {
    const config = resolveConfig({ applicationName: 'shop', ratePerSecond: 40, routes: { only: {} } }, {});
    const lines = new Map(describeConfig(config).map(({ path, value, origin }) => [path, `${value} by ${origin}`]));
    expect([lines.get('burst'), lines.get('fleetName')]).toEqual(['40 by default', 'shop by default']);
    const without = describeConfig(resolveConfig({ routes: { only: {} } }, {}));
    expect(without.find(({ path }) => path === 'burst')?.value).toBe('');
  });

  it('has a line for every value, and can be given back as variables', () => {
    expect(lines.size).toBe(config.origins.size);
    const set = [...lines.values()].filter(({ value }) => value !== '' && !value.includes('***'));
    const again = resolveConfig(CODE, { ...ENV, ...Object.fromEntries(set.map(({ name, value }) => [name, value])) });
    expect(describeConfig(again).map(({ name, value }) => [name, value])).toEqual(
      [...lines.values()].map(({ name, value }) => [name, value]),
    );
  });

  it('is printed in columns, with the shared variable where one served', () => {
    const text = formatConfig(config).split('\n');
    expect(text).toHaveLength(lines.size);
    expect(text[0]).toMatch(/^SLUICE_MODE {2,}enforce {2,}default$/);
    expect(text.find((line) => line.startsWith('SLUICE_POOL_MAIN_URL '))).toMatch(/ fallback DATABASE_URL$/);
    expect(text.find((line) => line.startsWith('SLUICE_REDIS_URL '))).toMatch(/ environment$/);
    expect(text.find((line) => line.startsWith('SLUICE_PRIORITY_HEADER '))).toMatch(/ \(unset\) +default$/);
  });

  it('shows no secret when somebody prints the configuration itself', () => {
    const printed = [
      inspect(config, { depth: 9 }),
      inspect(config.pools, { depth: 9 }),
      JSON.stringify(config),
      JSON.stringify([...config.pools.values()]),
    ];
    for (const text of printed) {
      expect(text).toContain('***');
      expect(text).not.toContain('s3cret');
    }
    expect(config.pools.get('main')?.url).toContain('s3cret');
  });

  it('has no lines for buckets per caller that do not exist', () => {
    const names = describeConfig(resolveConfig(SHOP, {})).map(({ name }) => name);
    expect(names.filter((name) => name.includes('PER_CALLER'))).toEqual([
      'SLUICE_ROUTE_SALES_REPORT_PER_CALLER_RATE_PER_SECOND',
      'SLUICE_ROUTE_SALES_REPORT_PER_CALLER_BURST',
      'SLUICE_ROUTE_SALES_REPORT_PER_CALLER_MAX_KEYS',
    ]);
  });
});
