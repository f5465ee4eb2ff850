import type { ErrorCode } from '../errors.js';

/** What one code of a refusal or an error answer says, whatever the request. */
export interface RefusalCode {
  /** The `title` of the problem document. */
  readonly title: string;
  /** `503/504`: the second once the handler had begun. */
  readonly status: '429' | '503' | '503/504';
  readonly when: string;
  /** What the operator can do about it. */
  readonly helps: string;
}

/** Every code, in the order of {@link ERROR_CODES}. */
export const REFUSAL_CODES: Readonly<Record<ErrorCode, RefusalCode>> = {
  rate_limited: {
    title: 'Too many requests',
    status: '429',
    when: 'the bucket of the route, of this caller on it, of all newcomers on it, or of all routes (`scope`) is empty',
    helps: 'raise ratePerSecond or burst of that scope, if the pool has room; for `newcomers`, maxKeys',
  },
  queue_full: {
    title: 'The queue is full',
    status: '503',
    when: 'as many requests wait as may, or as much work as can be done in time',
    helps: 'see the advice of the pool: more seats only where the database has room for them',
  },
  displaced: {
    title: 'A more important request took the place',
    status: '503',
    when: 'the queue was full, and a request of a higher class came',
    helps: 'as queue_full; a route that must not give way needs a higher class or a pool of its own',
  },
  deadline_unreachable: {
    title: 'The deadline cannot be met',
    status: '503',
    when: 'predicted wait and expected service exceed the time left, on arrival or when the seat was there',
    helps: 'less load or a longer deadline; where nobody waits, the work itself takes longer than the deadline',
  },
  deadline_expired: {
    title: 'The deadline has passed',
    status: '503/504',
    when: '503 while it was queued or still arriving, 504 while its handler ran',
    helps: 'look what the handler waits for: the diagnosis of the pool tells query, locks and server apart',
  },
  breaker_open: {
    title: 'The circuit breaker is open',
    status: '503',
    when: 'too much of the work of the pool fails or is too slow',
    helps: 'look at the errors and the slow statements of its server',
  },
  database_unavailable: {
    title: 'The database cannot be reached',
    status: '503',
    when: 'the pool is down, and the deadline does not allow to wait it out',
    helps: 'bring the server back: the log says what it met, `sluice doctor` asks again',
  },
  connection_lost: {
    title: 'The database connection was lost',
    status: '503/504',
    when: 'the connection died under the request: 503 with nothing done, 504 once COMMIT was sent (`unknown`)',
    helps: 'look at the server and the network; `transaction({ retry })` for what may be repeated',
  },
  database_busy: {
    title: 'The database cannot serve this now',
    status: '503',
    when: 'lock timeout, too many connections, read-only, disk full: `sql_state` names it',
    helps: 'look at the state that the server named',
  },
  fleet_limited: {
    title: 'A fleet-wide cap is reached',
    status: '503',
    when: 'as much of this work runs on all instances as fleetMaxConcurrent allows, and a place comes too late',
    helps: 'raise fleetMaxConcurrent, or the deadline of the route',
  },
  overloaded: {
    title: 'The process is overloaded',
    status: '503',
    when: 'the event loop runs late; the lowest classes are shed first, the top class never',
    helps: 'find what blocks the event loop, or run more processes',
  },
  draining: {
    title: 'The server is shutting down',
    status: '503/504',
    when: 'this instance has begun to end; 504 where it cut a request whose COMMIT was sent (`unknown`)',
    helps: 'nothing: another instance answers; readiness tells the balancer',
  },
  outside_window: {
    title: 'This is not the time for it',
    status: '503',
    when: 'the route serves at certain hours only (`window`)',
    helps: 'nothing, or change the window of the route',
  },
};
