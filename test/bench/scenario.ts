import type { Arrivals, LoadPlan, StreamPlan } from '../load/plan.js';
import type { BenchContext } from './section.js';

/** Database time of one checkout, in milliseconds. */
export const CHECKOUT_WORK_MS = 20;
/** Database time of one sales report, in milliseconds. */
export const REPORT_WORK_MS = 1_000;
/** The report storm: far more than four connections can serve. */
export const REPORTS_PER_SECOND = 30;
/** A checkout that takes longer is of no use to its caller, in milliseconds. */
export const DEADLINE_MS = 500;

/** A rate that no load reaches: the buckets are lifted where the database is to be the bottleneck. */
const LIFTED = '100000';

/** Sluice's environment for load: the default buckets would refuse most of it before the database is even asked. */
export const LIFTED_BUCKETS: Readonly<Record<string, string>> = {
  SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: LIFTED,
  SLUICE_ROUTE_CHECKOUT_BURST: LIFTED,
  SLUICE_ROUTE_SALES_REPORT_RATE_PER_SECOND: LIFTED,
  SLUICE_ROUTE_SALES_REPORT_BURST: LIFTED,
};

/** The shop's own settings of the scenario, for Sluice and rivals alike. */
export function workEnvironment(databaseUrl: string, reportWorkMs: number = REPORT_WORK_MS): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    SHOP_CHECKOUT_WORK_MS: String(CHECKOUT_WORK_MS),
    SHOP_REPORT_WORK_MS: String(reportWorkMs),
  };
}

/** Checkouts of random products; callers hang up after four deadlines. */
export function checkouts(arrivals: Arrivals, deadlineMs: number = DEADLINE_MS): StreamPlan {
  return {
    name: 'checkout',
    method: 'POST',
    path: '/checkout',
    body: '{"sku":{{int 1 1000}},"quantity":1}',
    arrivals,
    deadlineMs,
    unansweredAfterMs: 4 * deadlineMs,
  };
}

/** Sales reports; callers hang up after `patienceMs`. */
export function reports(arrivals: Arrivals, patienceMs = 5_000): StreamPlan {
  return {
    name: 'report',
    method: 'GET',
    path: '/reports/sales?days=30',
    arrivals,
    deadlineMs: patienceMs,
    unansweredAfterMs: patienceMs,
  };
}

/** The report storm as an open loop. */
export function reportStorm(): StreamPlan {
  return reports({ kind: 'poisson', ratePerSecond: REPORTS_PER_SECOND });
}

/** Windows in milliseconds: estimates and queues settle first, then it counts. */
export function windows(
  context: BenchContext,
  measureMs = 8_000,
): Pick<LoadPlan, 'warmUpMs' | 'measureMs' | 'coolDownMs'> {
  return context.quick
    ? { warmUpMs: 1_500, measureMs: 2_500, coolDownMs: 600 }
    : { warmUpMs: 3_000, measureMs, coolDownMs: 600 };
}
