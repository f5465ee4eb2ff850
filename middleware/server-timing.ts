import type { ServerResponse } from 'node:http';
import type { Clock } from '../src/clock.js';
import type { RequestWork } from '../src/gateway/request-work.js';
import { detailsWithheld } from './problem-details.js';

/**
 * Where the time of a request went until the headers of its answer were written, as `Server-Timing` (W3C), in ms:
 *
 * ```
 * Server-Timing: queue;dur=12.3, acquire;dur=0.0, db;dur=20.1, total;dur=34.6
 * ```
 *
 * `queue` is the queue wait, `acquire` the waits for connections, `db` the statements, each summed up: those that run
 * side by side may exceed `total`, which counts from the arrival. Without a pool there are neither of them.
 */
export function timingText({ queueWaitMs, watch, route, ticket }: RequestWork, nowMs: number): string {
  const database =
    watch === undefined || route.pool === undefined
      ? []
      : [metric('acquire', watch.acquireWaitMs), metric('db', watch.databaseMs)];
  return [metric('queue', queueWaitMs), ...database, metric('total', nowMs - ticket.arrivedAtMs)].join(', ');
}

function metric(name: string, ms: number): string {
  return `${name};dur=${ms.toFixed(1)}`;
}

/**
 * Adds the field when the headers are written: until then more becomes known. Whoever gets no explanations of refusals
 * (`problemDetails`) gets no times either.
 */
export function tellTiming(res: ServerResponse, work: RequestWork, clock: Clock): void {
  const { writeHead } = res;
  res.writeHead = function timed(this: ServerResponse, ...args: Parameters<typeof writeHead>): ServerResponse {
    if (!res.headersSent && !detailsWithheld(res)) {
      res.appendHeader('Server-Timing', timingText(work, clock.nowMs()));
    }
    return writeHead.apply(res, args);
  } as typeof writeHead;
}
