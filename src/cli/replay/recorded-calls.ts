import type { RecordedCall, RecordedCalls } from '../../simulator/recorded-source.js';
import type { OutageEvent } from '../../simulator/scenario.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import type { RouteSettings } from '../../telemetry/decision-log/policy-settings.js';
import { HoldTimes } from './hold-times.js';
import type { LoggedRequest } from './logged-request.js';
import { startOf } from './replay-text.js';
import type { LoggedTraffic, PoolEvent } from './requests.js';

/** The requests of a log as a load: what came from outside, without what was decided. */
export interface LoggedLoad {
  readonly calls: RecordedCalls;
  /** Requests of which the log does not tell how long they hold their seat: it was drawn. */
  readonly drawn: number;
  /** Routes of which it tells that of none. */
  readonly assumed: readonly string[];
}

/** A deadline that differs from that of its route by less is that of its route: instants are rounded. */
const ROUNDING_MS = 1e-3;

/**
 * The requests of a log, each with its class, tenant, caller, cost, deadline and the time that it holds its seat.
 *
 * @param seed - For the times that the log does not know.
 */
export function recordedCalls(log: DecodedLog, { requests }: LoggedTraffic, seed: number): LoggedLoad {
  const holds = new HoldTimes(requests, seed);
  const settings = new Map(log.settings.routes.map((route) => [route.name, route]));
  const startMs = startOf(log);
  const calls = new Map<string, RecordedCall[]>();
  for (const request of requests) {
    const route = settings.get(request.route);
    if (route === undefined) continue;
    const call = request.carriedOver
      ? underWay(request, startMs, route, holds)
      : fromItsArrival(request, startMs, route, holds);
    const known = calls.get(route.name);
    if (known === undefined) calls.set(route.name, [call]);
    else known.push(call);
  }
  // The log has requests in the order in which they were decided on.
  for (const known of calls.values()) known.sort((one, other) => one.atMs - other.atMs);
  return { calls, drawn: holds.drawn, assumed: [...holds.assumed] };
}

function fromItsArrival(request: LoggedRequest, startMs: number, route: RouteSettings, holds: HoldTimes): RecordedCall {
  const { arrivedAtMs, deadlineAtMs, enteredAtMs } = request;
  const askedAtMs = Math.max(startMs, enteredAtMs);
  const atMs = askedAtMs - startMs;
  const allowedMs = deadlineAtMs - arrivedAtMs;
  return {
    ...whoAsks(request, route),
    atMs,
    onTheWayMs: Math.min(atMs, Math.max(0, askedAtMs - arrivedAtMs)),
    // The time of a route may be another one now; what a client shortened stays so.
    budgetMs: Math.abs(allowedMs - route.deadlineMs) < ROUNDING_MS ? Number.POSITIVE_INFINITY : allowedMs,
    serviceMs: holds.of(request),
    leavesAfterMs: Math.max(0, leftAtMs(request) - askedAtMs),
  };
}

/** It was in flight or queued when the log began: what was left of it comes at the first instant. */
function underWay(request: LoggedRequest, startMs: number, route: RouteSettings, holds: HoldTimes): RecordedCall {
  const { deadlineAtMs, leasedAtMs } = request;
  const leftMs = deadlineAtMs - startMs;
  return {
    ...whoAsks(request, route),
    atMs: 0,
    onTheWayMs: 0,
    // A seat is held beyond the deadline where an answer is streamed.
    budgetMs: leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY,
    serviceMs: Math.max(0, holds.of(request) - (leasedAtMs === undefined ? 0 : startMs - leasedAtMs)),
    leavesAfterMs: Math.max(0, leftAtMs(request) - startMs),
  };
}

function whoAsks({ rank, tenant, caller, seats }: LoggedRequest, route: RouteSettings) {
  return { rank: rank > route.rank ? rank : undefined, tenant, caller, seats };
}

/** Whoever was cut short before the deadline had a client that left. */
function leftAtMs({ fate, endedAtMs, cutShort, deadlineAtMs }: LoggedRequest): number {
  if (endedAtMs === undefined) return Number.POSITIVE_INFINITY;
  return fate === 'gone' || (cutShort && endedAtMs < deadlineAtMs) ? endedAtMs : Number.POSITIVE_INFINITY;
}

/** The outages of a log; one that began before it begins with it, and one that outlasts it ends with it. */
export function recordedOutages(log: DecodedLog, { events }: LoggedTraffic, durationMs: number): OutageEvent[] {
  const startMs = startOf(log);
  const pools = new Set(events.map(({ pool }) => pool));
  return [...pools].flatMap((pool) => {
    const own = events.filter((event) => event.pool === pool && event.kind !== 'resize');
    return own.flatMap((event, place) => outageAt(event, own[place - 1], own[place + 1], startMs, durationMs));
  });
}

function outageAt(
  { kind, pool, atMs }: PoolEvent,
  before: PoolEvent | undefined,
  after: PoolEvent | undefined,
  startMs: number,
  durationMs: number,
): OutageEvent[] {
  const sinceMs = atMs - startMs;
  if (kind === 'outage') {
    const untilMs = after === undefined ? durationMs : after.atMs - startMs;
    return [{ kind: 'outage', pool, atMs: sinceMs, forMs: untilMs - sinceMs }];
  }
  return before === undefined && sinceMs > 0 ? [{ kind: 'outage', pool, atMs: 0, forMs: sinceMs }] : [];
}
