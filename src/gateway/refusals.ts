import type { Measured, Refusal } from '../errors.js';
import type { RateShed } from '../rate-limit/rate-limit.js';

const WHOSE = {
  gateway: 'Requests to all routes together come',
  endpoint: 'Requests to this endpoint come',
  caller: 'This caller sends',
  newcomers: 'So many callers are busy that newcomers share one bucket (maxKeys), and together they send',
} as const;

/** The endpoint, this caller on it, newcomers on it, or all routes together are over their bucket. */
export function rateLimited(route: string, over: RateShed): Refusal {
  return {
    code: 'rate_limited',
    status: 429,
    outcome: 'not_started',
    detail: `${WHOSE[over.scope]} faster than ${over.refillPerSecond} per second. Nothing was started; slow down.`,
    retryAfterMs: over.retryAfterMs,
    measured: {
      stage: 'arrival',
      route,
      scope: over.scope,
      refill_per_second: over.refillPerSecond,
      burst: over.burst,
      passes_in_ms: Math.ceil(over.retryAfterMs),
    },
  };
}

/** The process is shutting down. */
export function draining(route: string): Refusal {
  return {
    code: 'draining',
    status: 503,
    outcome: 'not_started',
    detail: 'This instance is shutting down. Nothing was started; another instance will answer.',
    retryAfterMs: 1_000,
    measured: { stage: 'arrival', route },
  };
}

/** The event loop of the process is too slow for this class of work, and was to be no later than `boundMs`. */
export function overloaded(route: string, lagMs: number, boundMs: number): Refusal {
  return {
    code: 'overloaded',
    status: 503,
    outcome: 'not_started',
    detail: 'This instance is too busy for requests of this class at present. Nothing was started.',
    retryAfterMs: 1_000,
    measured: {
      stage: 'arrival',
      route,
      event_loop_lag_ms: Math.round(lagMs),
      passes_with_event_loop_lag_ms: boundMs,
    },
  };
}

/** What a refusal tells of a circuit. */
export interface CircuitState {
  readonly state: 'closed' | 'open' | 'half_open';
  /** What opened it. */
  readonly openedBy: 'failure' | 'slow' | undefined;
  /** The share of the demand that is let through, 0 to 1. */
  readonly share: number;
}

/** A circuit as problem documents show it. */
export function shownCircuit({ state, openedBy, share }: CircuitState): Measured {
  return { circuit: state, opened_by: openedBy ?? 'unknown', let_through_percent: Math.round(share * 100) };
}

/** The circuit of the pool is open, or half-open and this request not among those that are let through. */
export function circuitOpen(route: string, pool: string, retryAfterMs: number, circuit: CircuitState): Refusal {
  return {
    code: 'breaker_open',
    status: 503,
    outcome: 'not_started',
    detail: 'The database behind this endpoint is failing and left alone for a moment. Nothing was started.',
    retryAfterMs,
    measured: { stage: 'arrival', route, pool, ...shownCircuit(circuit), passes_in_ms: Math.ceil(retryAfterMs) },
  };
}

/** A request would wait for one of the seats of which its own work holds one. */
export function nestedOnSameSeats(route: string, pool: string | undefined): Error {
  const seats = pool === undefined ? 'its own concurrency limit' : `the same pool "${pool}"`;
  return new Error(
    `route "${route}" was run inside a request that holds a seat of ${seats}: it could wait for itself; ` +
      'use the handle of the request, or a route with another pool',
  );
}

/** A request would wait for one of the places of which its own work holds one. */
export function nestedInLane(route: string): Error {
  return new Error(
    `route "${route}" was run inside itself, and has a bound on its concurrent work (fleetMaxConcurrent): it could ` +
      'wait for itself; use the handle of the request, or another route',
  );
}

/** A request keeps a connection and asks for another, while all others are kept by requests that do the same. */
export function nestedConnection(route: string, pool: string): Error {
  return new Error(
    `a request on route "${route}" keeps a connection and asked for a second one, while every connection of pool ` +
      `"${pool}" is kept by requests that wait for a second one: none would get on; inside transaction() use the ` +
      'client that it gives you, and release() what connect() gave you before you ask again',
  );
}

/** A mistake of the application: database work on a route that has no database. */
export function withoutPool(route: string): Error {
  return new Error(`route "${route}" has no pool; give it one in its configuration ("pool") to query`);
}

/** A mistake of the application: database work while the seat is given up. */
export function withoutSeat(): Error {
  return new Error('inside outside() the request holds no seat: query before or after it');
}
