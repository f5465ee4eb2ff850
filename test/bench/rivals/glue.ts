import { rateLimit } from 'express-rate-limit';
import CircuitBreaker from 'opossum';
import PQueue from 'p-queue';
import {
  CHECKOUT_CONNECTIONS,
  CHECKOUT_DEADLINE_MS,
  REPORT_CONNECTIONS,
  type RivalGate,
  type RivalSettings,
  Shed,
  type Work,
  withClient,
} from './gate.js';
import { openPools } from './separate-pools.js';

/** Far above the load: the buckets of Sluice are lifted in the same way, since the load is about the database. */
const LIFTED = 100_000;
const REPORT_TIMEOUT_MS = 30_000;
const RESET_TIMEOUT_MS = 1_000;

/**
 * The glue of today: separate pools with an acquire timeout, express-rate-limit in front, p-queue for as much
 * concurrency as there are connections, and opossum around the database work with the deadline as its timeout and
 * otherwise its own defaults. The queue has no bound, because p-queue has none to set.
 */
export function glue({ databaseUrl }: RivalSettings): RivalGate {
  const pools = openPools(databaseUrl, { connectionTimeoutMillis: CHECKOUT_DEADLINE_MS });
  const limiter = rateLimit({ windowMs: 1_000, limit: LIFTED, standardHeaders: 'draft-8', legacyHeaders: false });
  const checkoutQueue = new PQueue({ concurrency: CHECKOUT_CONNECTIONS });
  const reportQueue = new PQueue({ concurrency: REPORT_CONNECTIONS });
  const breakerOf = (timeout: number): CircuitBreaker<[run: () => Promise<unknown>], unknown> =>
    new CircuitBreaker((run: () => Promise<unknown>) => run(), { timeout, resetTimeout: RESET_TIMEOUT_MS });
  const checkoutBreaker = breakerOf(CHECKOUT_DEADLINE_MS);
  const reportBreaker = breakerOf(REPORT_TIMEOUT_MS);

  const guarded = async <T>(breaker: typeof checkoutBreaker, run: () => Promise<T>): Promise<T> => {
    try {
      return (await breaker.fire(run)) as T;
    } catch (error) {
      if (CircuitBreaker.isOurError(error as Error)) throw new Shed(breaker.opened ? 'breaker_open' : 'timed_out');
      throw error;
    }
  };
  return {
    tuning: {
      checkoutConnections: CHECKOUT_CONNECTIONS,
      reportConnections: REPORT_CONNECTIONS,
      acquireTimeoutMs: CHECKOUT_DEADLINE_MS,
      rateLimitPerSecond: LIFTED,
      queueConcurrency: CHECKOUT_CONNECTIONS,
      breakerTimeoutMs: CHECKOUT_DEADLINE_MS,
      breakerErrorPercentage: 50,
      breakerResetMs: RESET_TIMEOUT_MS,
    },
    beforeCheckout: [limiter],
    beforeReport: [limiter],
    checkout: <T>(work: Work<T>) =>
      checkoutQueue.add(() => guarded(checkoutBreaker, () => withClient(pools.checkout, work))),
    report: <T>(work: Work<T>) => reportQueue.add(() => guarded(reportBreaker, () => withClient(pools.reports, work))),
    close: pools.end,
  };
}
