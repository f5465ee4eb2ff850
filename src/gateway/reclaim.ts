import type { DatabaseSession } from './database-session.js';

/** Time in which a handler that has answered may still give its connections back itself. */
const RETURN_GRACE_MS = 1_000;
/** Time in which a COMMIT must be answered after its request was: a network that swallows it must not keep the seat. */
const COMMIT_LIMIT_MS = 30_000;

/** When the connections that a request keeps after its answer are to be taken from it: see {@link reclaim}. */
export function reclaimAtMs(nowMs: number, session: DatabaseSession, deadlineAtMs: number): number {
  if (session.closed) return nowMs + COMMIT_LIMIT_MS;
  return Math.min(nowMs + RETURN_GRACE_MS, Math.max(nowMs, deadlineAtMs));
}

/**
 * Takes the connections back that a request keeps after its answer, except one that is committing; at the second call
 * gives that one up.
 *
 * @returns When to call again; `Infinity` for never.
 */
export function reclaim(
  nowMs: number,
  session: DatabaseSession,
  route: string,
  warn: (code: string, message: string) => void,
): number {
  if (session.closed) {
    warn('commit_unanswered', `route "${route}": a COMMIT was not answered, so its connection was given up`);
    session.abandon();
    return Number.POSITIVE_INFINITY;
  }
  warn(
    'connection_not_returned',
    `route "${route}" answered and kept a connection: call release(), or use query() or transaction()`,
  );
  session.close();
  return nowMs + COMMIT_LIMIT_MS;
}
