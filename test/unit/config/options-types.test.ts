import type { Request } from 'express';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type {
  GatewayConfig,
  GatewayValues,
  PerCallerConfig,
  PoolFunction,
  PoolValues,
  RouteConfig,
  RouteFunction,
  RouteValues,
} from '../../../src/config/config.js';
import type { GatewayOptions, PerCallerOptions, PoolOptions, RouteOptions } from '../../../src/config/options.js';
import { gatewaySection, perCallerSection, poolSection, routeSection } from '../../../src/config/section.js';
import { problemsOf, SERVER } from './support.js';

/** What the code may say for a configuration: each value, or undefined. */
type OptionsFor<Values> = { readonly [Key in keyof Values]?: Values[Key] | undefined };

/** The types are compared by the compiler (`tsc`), the names by the run. */
describe('the options, as the code writes them', () => {
  it('have the fields and the types of what they become', () => {
    expectTypeOf<Omit<GatewayOptions, 'pools' | 'routes'>>().toEqualTypeOf<OptionsFor<GatewayValues>>();
    expectTypeOf<Omit<PoolOptions, PoolFunction>>().toEqualTypeOf<OptionsFor<PoolValues>>();
    expectTypeOf<Omit<RouteOptions, 'perCaller' | RouteFunction>>().toEqualTypeOf<OptionsFor<RouteValues>>();
    expectTypeOf<Omit<PerCallerOptions, 'key'>>().toEqualTypeOf<OptionsFor<Omit<PerCallerConfig, 'key'>>>();
    expectTypeOf<keyof GatewayConfig>().toEqualTypeOf<keyof GatewayOptions | 'origins'>();
    expectTypeOf<keyof RouteConfig>().toEqualTypeOf<keyof RouteOptions | 'name'>();
  });

  it('name every field that the resolver knows, and no other', () => {
    const pool: Required<PoolOptions> = {
      url: SERVER,
      password: () => 'secret',
      tls: true,
      tlsCa: '/ca.pem',
      tlsCert: '/cert.pem',
      tlsKey: '/key.pem',
      tlsServerName: 'db.example',
      admin: false,
      profile: 'batch',
      pooler: 'auto',
      poolerSize: 20,
      poolerAdminUrl: SERVER,
      max: 10,
      minIdle: 2,
      connectTimeoutMs: 1,
      idleTimeoutMs: 0,
      maxLifetimeMs: 0,
      validateAfterIdleMs: 0,
      lockTimeoutMs: 0,
      maxResultBytes: 0,
      rideOutMs: 0,
      operationsPerRequest: 0.3,
      headroom: 1,
      capCritical: 0.9,
      minHigh: 0,
      minNormal: 0,
      minLow: 0,
      minSeats: 1,
      adaptive: true,
      yieldsTo: 'other',
      targetMs: 20,
      maxQueued: 1,
      maxTenants: 1,
      feasibility: false,
      lifo: false,
      eviction: false,
      displacement: false,
      breaker: false,
      breakerErrorPercent: 50,
      breakerSlowPercent: 50,
      breakerMinimumCalls: 1,
      breakerWindowMs: 100,
      breakerResetMs: 10,
      breakerRampMs: 0,
    };
    const perCaller: Required<PerCallerOptions> = {
      // A function of an Express request, as an application writes it.
      key: (request: Request) => request.ip,
      ratePerSecond: 1,
      burst: 1,
      maxKeys: 1,
    };
    const route: Required<Omit<RouteOptions, 'concurrency'>> = {
      pool: 'main',
      priority: 'high',
      ratePerSecond: 1,
      burst: 1,
      fleetWide: false,
      fleetMaxConcurrent: 1,
      deadlineMs: 1,
      window: '22:00-06:00',
      timeZone: 'UTC',
      maxQueued: 0,
      stream: true,
      onDisconnect: 'finish',
      commitGraceMs: 0,
      expectedMs: 0.5,
      cost: 2,
      costOf: (request: Request) => request.body.length,
      tenantOf: (request: Request) => request.ip,
      perCaller,
    };
    const gateway: Required<GatewayOptions> = {
      mode: 'off',
      redisUrl: 'redis://cache',
      fleetName: 'shops',
      fleetSyncMs: 100,
      ratePerSecond: 1_000,
      burst: 2_000,
      applicationName: 'shop',
      instances: 3,
      budgetReserve: 0.1,
      budgetHeaders: [],
      priorityHeader: 'x-priority',
      rateLimitHeaders: false,
      serverTiming: true,
      readinessDelayMs: 0,
      drainTimeoutMs: 0,
      writeTimeoutMs: 0,
      maxEventLoopLagMs: 0,
      decisionLogRecords: 1_000,
      pools: { main: pool, other: { url: SERVER } },
      routes: { only: route, other: { concurrency: 1 } },
    };
    expect(problemsOf(gateway)).toEqual([]);
    const keys = (object: object): string[] => Object.keys(object).sort();
    expect(keys(gatewaySection.fields)).toEqual(keys(gateway).filter((key) => !['pools', 'routes'].includes(key)));
    expect(keys(poolSection('x').fields)).toEqual(keys(pool).filter((key) => key !== 'password'));
    expect(keys(routeSection('x').fields)).toEqual(
      keys({ ...route, concurrency: 1 }).filter((key) => !['perCaller', 'costOf', 'tenantOf'].includes(key)),
    );
    expect(keys(perCallerSection('x').fields)).toEqual(keys(perCaller).filter((key) => key !== 'key'));
  });

  it('can be written so that the compiler knows the names of the routes', () => {
    const namesOf = <const Options extends GatewayOptions>(options: Options): (keyof Options['routes'])[] =>
      Object.keys(options.routes);
    const names = namesOf({ routes: { checkout: {}, report: { burst: undefined } } });
    expectTypeOf(names).toEqualTypeOf<('checkout' | 'report')[]>();
    expect(names).toEqual(['checkout', 'report']);
  });
});
