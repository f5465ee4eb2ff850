import type { ServerResponse } from 'node:http';
import type { RequestWork } from '../src/gateway/request-work.js';
import type { Gateway } from '../src/gateway.js';
import { detailsWithheld } from './problem-details.js';

const NAME = 'Server-Timing';

/**
 * Where the time of a request went until the headers of its answer were written, as `Server-Timing` (W3C), in ms:
 *
 * ```
 * Server-Timing: queue;dur=12.3, acquire;dur=0.0, db;dur=20.1, total;dur=34.6
 * ```
 *
 * `queue` is the queue wait, `acquire` the waits for connections, `db` the statements, each summed up, those under
 * way too: those side by side may exceed `total`, which counts from the arrival. Without a pool there are neither of them.
 */
export function timingText({ queueWaitMs, watch, route, ticket }: RequestWork, nowMs: number): string {
  const database =
    watch === undefined || route.pool === undefined
      ? []
      : [metric('acquire', watch.acquireWaitMs(nowMs)), metric('db', watch.databaseMs(nowMs))];
  return [metric('queue', queueWaitMs), ...database, metric('total', nowMs - ticket.arrivedAtMs)].join(', ');
}

function metric(name: string, ms: number): string {
  return `${name};dur=${ms.toFixed(1)}`;
}

/**
 * Adds the field when the headers are written: until then more becomes known. Whoever gets no explanations of refusals
 * (`problemDetails`) gets no times either.
 */
export function tellTiming(res: ServerResponse, work: RequestWork, { clock, logger }: Gateway): void {
  const { writeHead } = res;
  res.writeHead = function timed(this: ServerResponse, ...args: Parameters<typeof writeHead>): ServerResponse {
    if (!res.headersSent && !detailsWithheld(res, logger)) addTiming(res, args, timingText(work, clock.nowMs()));
    return writeHead.apply(res, args);
  } as typeof writeHead;
}

/** Headers given to `writeHead` replace fields of the same name that were set before: where they have it, it goes there. */
function addTiming(res: ServerResponse, args: unknown[], text: string): void {
  const last = args.length - 1;
  const given = args[last];
  const added = typeof given === 'object' && given !== null ? withTiming(given, text) : undefined;
  if (added === undefined) res.appendHeader(NAME, text);
  else args[last] = added;
}

/** A copy of what was given, with the metrics behind the last that it has; `undefined` where it has none. */
function withTiming(given: object, text: string): unknown {
  if (!Array.isArray(given)) {
    const name = Object.keys(given).findLast(isTiming);
    return name === undefined ? undefined : { ...given, [name]: behind(Reflect.get(given, name), text) };
  }
  // Flat, names and values in turn, or a list of pairs.
  if (Array.isArray(given[0])) {
    const at = given.findLastIndex((pair: readonly unknown[]) => isTiming(pair[0]));
    // Beside pairs Node takes no headers that were set before.
    return at < 0 ? [...given, [NAME, text]] : given.with(at, [given[at][0], behind(given[at][1], text)]);
  }
  const at = given.findLastIndex((name: unknown, index) => index % 2 === 0 && isTiming(name));
  return at < 0 ? undefined : given.with(at + 1, behind(given[at + 1], text));
}

function isTiming(name: unknown): boolean {
  return typeof name === 'string' && name.toLowerCase() === 'server-timing';
}

function behind(value: unknown, text: string): string {
  return [value, text].flat().join(', ');
}
