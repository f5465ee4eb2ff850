import Bottleneck from 'bottleneck';
import {
  CHECKOUT_CONNECTIONS,
  REPORT_CONNECTIONS,
  type RivalGate,
  type RivalSettings,
  Shed,
  type Work,
  withClient,
} from './gate.js';
import { openPools } from './separate-pools.js';

/** The same bound as the hand-tuned queue has. */
const HIGH_WATER = 50;

/**
 * Bottleneck with a local store, one limiter per pool: as much concurrency as there are connections, and a high-water
 * mark beyond which new jobs are refused (strategy OVERFLOW). Jobs expire nowhere: its `expiration` does not cover
 * the time that a job waits.
 */
export function bottleneck({ databaseUrl }: RivalSettings): RivalGate {
  const pools = openPools(databaseUrl);
  const limiterOf = (maxConcurrent: number): Bottleneck =>
    new Bottleneck({ maxConcurrent, highWater: HIGH_WATER, strategy: Bottleneck.strategy.OVERFLOW });
  const checkoutLimiter = limiterOf(CHECKOUT_CONNECTIONS);
  const reportLimiter = limiterOf(REPORT_CONNECTIONS);
  const schedule = async <T>(limiter: Bottleneck, run: () => Promise<T>): Promise<T> => {
    try {
      return await limiter.schedule(run);
    } catch (error) {
      throw error instanceof Bottleneck.BottleneckError ? new Shed('queue_full') : error;
    }
  };
  return {
    tuning: {
      checkoutConnections: CHECKOUT_CONNECTIONS,
      reportConnections: REPORT_CONNECTIONS,
      maxConcurrent: CHECKOUT_CONNECTIONS,
      highWater: HIGH_WATER,
      strategy: 'OVERFLOW',
    },
    checkout: <T>(work: Work<T>) => schedule(checkoutLimiter, () => withClient(pools.checkout, work)),
    report: <T>(work: Work<T>) => schedule(reportLimiter, () => withClient(pools.reports, work)),
    close: pools.end,
  };
}
