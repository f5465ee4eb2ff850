import type { RequestHandler } from 'express';
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

/**
 * How many checkouts may wait. Tuned by hand for this very load: with 20 ms of work on 16 connections, 50 and 100 keep
 * every seat busy at twice the capacity and 50 answers sooner; 200 answers close to the deadline or after it.
 */
const MAX_QUEUED = 50;
const MAX_QUEUED_REPORTS = 100;
/** Work that starts later than this would end after the deadline. */
const LATEST_START_MS = CHECKOUT_DEADLINE_MS - 60;

/**
 * What an expert builds for one known load: a p-queue per pool, bounded by count before the body is read, and work
 * that waited too long is not started any more.
 */
export function handTuned({ databaseUrl }: RivalSettings): RivalGate {
  const pools = openPools(databaseUrl);
  const checkoutQueue = new PQueue({ concurrency: CHECKOUT_CONNECTIONS });
  const reportQueue = new PQueue({ concurrency: REPORT_CONNECTIONS });
  const bounded =
    (queue: PQueue, most: number): RequestHandler =>
    (_request, response, next) => {
      if (queue.size < most) next();
      // Straight away: an error with its stack, sent through the error handlers, costs several times as much.
      else response.status(503).json({ code: 'queue_full' });
    };
  return {
    tuning: {
      checkoutConnections: CHECKOUT_CONNECTIONS,
      reportConnections: REPORT_CONNECTIONS,
      maxQueued: MAX_QUEUED,
      maxQueuedReports: MAX_QUEUED_REPORTS,
      latestStartMs: LATEST_START_MS,
    },
    beforeCheckout: [bounded(checkoutQueue, MAX_QUEUED)],
    beforeReport: [bounded(reportQueue, MAX_QUEUED_REPORTS)],
    checkout: <T>(work: Work<T>) => {
      const arrivedAtMs = performance.now();
      return checkoutQueue.add(() => {
        if (performance.now() - arrivedAtMs > LATEST_START_MS) throw new Shed('too_late');
        return withClient(pools.checkout, work);
      });
    },
    report: <T>(work: Work<T>) => reportQueue.add(() => withClient(pools.reports, work)),
    close: pools.end,
  };
}
