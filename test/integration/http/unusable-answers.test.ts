import type { RouteOptions } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, serve } from './harness.js';

/** What an application without types, or with a slip, can have its functions do. */
const MISTAKES: readonly (readonly [name: string, does: () => unknown, found: string])[] = [
  [
    'throws',
    () => {
      throw new TypeError('secret of the client');
    },
    'threw TypeError',
  ],
  ['rejects', () => Promise.reject(new Error('nobody listens')), 'returned a promise'],
  ['resolves', async () => 'late', 'returned a promise'],
  ['returnsAnObject', () => ({}), 'returned a value of type object'],
  ['returnsABoolean', () => true, 'returned a value of type boolean'],
];

const FIELDS = [
  ['costOf', 'cost_unusable'],
  ['tenantOf', 'tenant_unusable'],
  ['perCaller.key', 'caller_key_unusable'],
] as const;

function routesOf(does: () => unknown, name: string): Record<string, RouteOptions> {
  const untyped = does as () => never;
  const whole = { concurrency: 2, cost: 2 };
  return {
    [`${name}CostOf`]: { ...whole, costOf: untyped },
    [`${name}TenantOf`]: { ...whole, tenantOf: untyped },
    [`${name}PerCallerKey`]: { ...whole, perCaller: { key: untyped, ratePerSecond: 1, burst: 1 } },
  };
}

const routeOf = (name: string, field: string): string =>
  name + field.replaceAll(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase());

describe.each(['enforce', 'observe', 'off'] as const)('functions of a route that say nothing usable, in %s', (mode) => {
  let bench: Bench;
  const unhandled: unknown[] = [];
  const note = (reason: unknown): unknown => unhandled.push(reason);

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    const routes = Object.assign({}, ...MISTAKES.map(([name, does]) => routesOf(does, name)));
    bench = await serve({ routes, gateway: { mode } }, (app, gateway) => {
      for (const route of Object.keys(routes)) {
        app.get(`/${route}`, protect(gateway, route), (req, res) => res.json({ seats: req.sluice.seats }));
        // Another guard of the same route.
        app.get(`/${route}/more`, protect(gateway, route), (_req, res) => res.json({}));
      }
    });
  });

  afterAll(async () => {
    process.off('unhandledRejection', note);
    await bench.close();
  });

  const rows = MISTAKES.flatMap(([name, , found]) =>
    FIELDS.map(([field, code]) => [name, field, code, found] as const),
  );

  it.each(rows)('%s: %s', async (name, field, code, found) => {
    const route = routeOf(name, field);
    // A caller without a name is held back by no bucket of callers: the second request would be one too many.
    const { body } = await bench.request.get(`/${route}`).expect(200);
    await bench.request.get(`/${route}/more`).expect(200);
    expect(body).toEqual({ seats: mode === 'enforce' ? 2 : expect.any(Number) });
    const told = bench.log.of(code).filter((message) => message.startsWith(`routes.${route}.`));
    expect(told).toEqual([expect.stringContaining(`routes.${route}.${field} ${found}: return `)]);
    expect(told.join()).not.toContain('secret');
    expect(bench.unexpected).toEqual([]);
    expect(unhandled).toEqual([]);
  });
});
