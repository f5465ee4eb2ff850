import type { LoadPlan, StreamPlan } from '../../test/load/plan.js';

/** A checkout that takes longer is of no use to its caller, in milliseconds. */
export const DEADLINE_MS = 500;
/** Callers hang up after so long, in milliseconds. */
const PATIENCE_MS = 5_000;

/** The day as it should be, checkouts per second. */
const USUAL_PER_SECOND = 40;
/**
 * The surge on top: together about twice what 16 connections can serve when each checkout takes 80 ms, and little enough
 * work for a processor that a slow machine shows the same.
 */
const SURGE_PER_SECOND = 360;
/** The reports that everybody asks for at the same time: seven times what their connections can serve. */
const REPORTS_PER_SECOND = 30;

/** The surge and the storm begin and end here, in milliseconds from the start of the run. */
export const SURGE: { readonly fromMs: number; readonly toMs: number } = { fromMs: 3_000, toMs: 10_000 };
/** Length of the run, in milliseconds: the end shows who has recovered. */
export const RUN_MS = 15_000;

/** Settings of the shop under both modes: real work, and buckets lifted, so that the database is what is scarce. */
export const SHOP_ENVIRONMENT: Readonly<Record<string, string>> = {
  SHOP_CHECKOUT_WORK_MS: '80',
  SHOP_REPORT_WORK_MS: '1000',
  SLUICE_ROUTE_CHECKOUT_RATE_PER_SECOND: '100000',
  SLUICE_ROUTE_CHECKOUT_BURST: '100000',
  SLUICE_ROUTE_SALES_REPORT_RATE_PER_SECOND: '100000',
  SLUICE_ROUTE_SALES_REPORT_BURST: '100000',
};

/** What happens, in one sentence. */
export const STORY: string =
  `${USUAL_PER_SECOND} checkouts/s; from second ${SURGE.fromMs / 1_000} to ${SURGE.toMs / 1_000} another ` +
  `${SURGE_PER_SECOND}/s and ${REPORTS_PER_SECOND} one-second reports/s; a checkout is in time within ${DEADLINE_MS} ms`;

/** The same load for both modes: the same seed gives the same requests at the same instants. */
export function surgePlan(port: number, seed: number): LoadPlan {
  const checkout: Omit<StreamPlan, 'name' | 'arrivals'> = {
    method: 'POST',
    path: '/checkout',
    body: '{"sku":{{int 1 1000}},"quantity":1}',
    deadlineMs: DEADLINE_MS,
    unansweredAfterMs: PATIENCE_MS,
    keepEvents: true,
  };
  return {
    port,
    seed,
    warmUpMs: 0,
    measureMs: RUN_MS,
    coolDownMs: 0,
    maxSockets: 9_000,
    streams: [
      { ...checkout, name: 'usual', arrivals: { kind: 'poisson', ratePerSecond: USUAL_PER_SECOND } },
      { ...checkout, name: 'surge', arrivals: { kind: 'poisson', ratePerSecond: SURGE_PER_SECOND, ...SURGE } },
      {
        name: 'reports',
        method: 'GET',
        path: '/reports/sales?days=30',
        arrivals: { kind: 'poisson', ratePerSecond: REPORTS_PER_SECOND, ...SURGE },
        deadlineMs: PATIENCE_MS,
        unansweredAfterMs: PATIENCE_MS,
      },
    ],
  };
}
