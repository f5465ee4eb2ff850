import type { ErrorCode } from '../errors.js';
import type { RouteOutcome } from '../telemetry/route-stats.js';
import type { RouteRuntime } from './route-runtime.js';
import { FOR_WANT_OF_SEATS } from './want-of-seats.js';

/** Tells the route how long its work takes; `cutShort`, how long at least. An outage tells nothing of the route. */
export function learnService(nowMs: number, { gate, times }: RouteRuntime, heldMs: number, cutShort: boolean): void {
  if (gate?.bulkhead.outage.down === true) return;
  if (cutShort) times.recordCensored(nowMs, heldMs);
  else times.record(nowMs, heldMs);
}

/**
 * Tells the adviser of the pool how a request fared on its seats. What failed or was given up says nothing of how long
 * the work takes.
 *
 * @param found - Seats in use when it got its own.
 */
export function adviseOn(
  nowMs: number,
  { gate, name, pool }: RouteRuntime,
  outcome: RouteOutcome,
  heldMs: number,
  waitMs: number,
  found: number,
): void {
  const { advisor } = pool ?? {};
  if (advisor === undefined || gate === undefined || gate.bulkhead.outage.down) return;
  if (outcome === 'failed' || outcome === 'abandoned') return;
  const { inFlight: left, seats: limit } = gate.bulkhead;
  advisor.ended(nowMs, { route: name, heldMs, waitMs, found, left, limit });
}

/** Tells the adviser of the pool of a refusal, where it was for want of seats. */
export function adviseOnShed(nowMs: number, { gate, pool }: RouteRuntime, code: ErrorCode): void {
  const { advisor } = pool ?? {};
  if (advisor === undefined || gate === undefined || gate.bulkhead.outage.down) return;
  if (FOR_WANT_OF_SEATS.includes(code)) advisor.shed(nowMs);
}
