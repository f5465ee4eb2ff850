import type { GatewayOptions } from 'sluice';

/**
 * What matters how much in this shop, and what each part may use of the database. Every value can be set from outside,
 * for example by `SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND`.
 */
export function shopPolicy(databaseUrl: string): GatewayOptions {
  const url = databaseUrl;
  return {
    applicationName: 'sluice-shop',
    // Nobody balances load in front of the shop, so nobody has to notice before it stops admitting.
    readinessDelayMs: 0,
    pools: {
      checkout: { url, max: 16 },
      catalog: { url, max: 8 },
      reports: { url, max: 4 },
      admin: { url, max: 2 },
    },
    routes: {
      checkout: { pool: 'checkout', priority: 'critical', ratePerSecond: 400, burst: 800, deadlineMs: 500 },
      product: { pool: 'catalog', priority: 'normal', ratePerSecond: 1_000, burst: 2_000, deadlineMs: 500 },
      salesReport: { pool: 'reports', priority: 'low', ratePerSecond: 10, burst: 20, deadlineMs: 30_000 },
      adminOrder: { pool: 'admin', priority: 'high', ratePerSecond: 50, burst: 50, deadlineMs: 2_000 },
    },
  };
}
