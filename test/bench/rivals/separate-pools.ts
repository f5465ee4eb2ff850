import pg from 'pg';
import { CHECKOUT_CONNECTIONS, REPORT_CONNECTIONS, type RivalGate, type RivalSettings, withClient } from './gate.js';

/** Two pools, so that reports cannot take checkout's connections. Callers that wait for one wait as long as it takes. */
export function separatePools({ databaseUrl }: RivalSettings): RivalGate {
  const pools = openPools(databaseUrl);
  return {
    tuning: { checkoutConnections: CHECKOUT_CONNECTIONS, reportConnections: REPORT_CONNECTIONS },
    checkout: (work) => withClient(pools.checkout, work),
    report: (work) => withClient(pools.reports, work),
    close: pools.end,
  };
}

/** The two pools that every rival but one has. */
export function openPools(
  databaseUrl: string,
  checkoutOptions: pg.PoolConfig = {},
): { readonly checkout: pg.Pool; readonly reports: pg.Pool; readonly end: () => Promise<void> } {
  const checkout = new pg.Pool({ connectionString: databaseUrl, max: CHECKOUT_CONNECTIONS, ...checkoutOptions });
  const reports = new pg.Pool({ connectionString: databaseUrl, max: REPORT_CONNECTIONS });
  for (const pool of [checkout, reports]) pool.on('error', () => undefined);
  return { checkout, reports, end: async () => void (await Promise.all([checkout.end(), reports.end()])) };
}
