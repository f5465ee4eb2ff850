import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.js';
import { SERVER, SHOP } from './support.js';

describe('what resolves', () => {
  it('fills every field that is left out with its documented default', () => {
    const config = resolveConfig({ pools: { only: { url: SERVER } }, routes: { only: { pool: 'only' } } }, {});
    const { pools, routes, origins, ...gateway } = config;
    expect(gateway).toEqual({
      mode: 'enforce',
      applicationName: 'sluice',
      fleetName: 'sluice',
      fleetSyncMs: 50,
      instances: 1,
      budgetReserve: 0.15,
      budgetHeaders: ['x-request-timeout-ms'],
      rateLimitHeaders: true,
      serverTiming: false,
      readinessDelayMs: 5_000,
      drainTimeoutMs: 10_000,
      writeTimeoutMs: 30_000,
      maxEventLoopLagMs: 200,
      decisionLogRecords: 0,
    });
    expect(pools.get('only')).toEqual({
      name: 'only',
      url: SERVER,
      tls: false,
      admin: false,
      max: 10,
      minIdle: 2,
      connectTimeoutMs: 2_000,
      idleTimeoutMs: 60_000,
      maxLifetimeMs: 1_800_000,
      validateAfterIdleMs: 5_000,
      lockTimeoutMs: 0,
      pooler: 'auto',
      maxResultBytes: 67_108_864,
      rideOutMs: 2_000,
      operationsPerRequest: 1,
      capCritical: 0.9,
      minHigh: 0.06,
      minNormal: 0.03,
      minLow: 0.01,
      minSeats: 2,
      adaptive: false,
      maxQueued: 10_000,
      maxTenants: 1_024,
      feasibility: true,
      lifo: true,
      eviction: true,
      displacement: true,
      breaker: true,
      breakerErrorPercent: 50,
      breakerSlowPercent: 50,
      breakerMinimumCalls: 20,
      breakerWindowMs: 5_000,
      breakerResetMs: 500,
      breakerRampMs: 1_000,
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
      cost: 1,
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
