import type { Loans } from './loans.js';
import type { RouteRuntime } from './route-runtime.js';
import type { RouteWarn } from './work-contract.js';

/** Who keeps connections. */
type Keeper = Pick<RouteRuntime, 'name' | 'stats'>;

/** Time in which a handler that has answered may still give its connections back itself. */
const RETURN_GRACE_MS = 1_000;
/** Time in which a COMMIT must be answered after its request was: a network that swallows it must not keep the seat. */
const COMMIT_LIMIT_MS = 30_000;
/** After so much of it somebody should know: meanwhile there is one seat less. */
const COMMIT_WARN_MS = 1_000;

/** When the connections that a request keeps after its answer are to be taken from it: see {@link reclaim}. */
export function reclaimAtMs(nowMs: number, loans: Loans, deadlineAtMs: number): number {
  if (loans.closed) return loans.closedAtMs + COMMIT_WARN_MS;
  return Math.min(nowMs + RETURN_GRACE_MS, Math.max(nowMs, deadlineAtMs));
}

/**
 * Takes the connections back that a request keeps after its answer, except one that is committing: the next call warns
 * of that one, and the last gives it up.
 *
 * @returns When to call again; `Infinity` for never.
 */
export function reclaim(nowMs: number, loans: Loans, route: Keeper, warn: RouteWarn): number {
  if (loans.closed) {
    const giveUpAtMs = loans.closedAtMs + COMMIT_LIMIT_MS;
    const over = nowMs >= giveUpAtMs;
    // Else it is a statement that does not stop, of which others tell.
    if (loans.committing) tellCommit(route.name, over, warn);
    if (!over) return giveUpAtMs;
    loans.abandon();
    return Number.POSITIVE_INFINITY;
  }
  // What was given back may still be rolled back, and nobody keeps it.
  if (loans.keeps) {
    route.stats.noteKept();
    warn(
      'connection_not_returned',
      `route "${route.name}" answered and kept a connection: call release(), or use query() or transaction(); ` +
        'further ones are only counted (keptConnections)',
      { route: route.name },
    );
  }
  loans.close();
  return nowMs + COMMIT_WARN_MS;
}

function tellCommit(route: string, over: boolean, warn: RouteWarn): void {
  if (over) {
    warn('commit_unanswered', `route "${route}": a COMMIT was not answered, so its connection was given up`, { route });
  } else {
    warn(
      'commit_waits',
      `route "${route}": a COMMIT has not been answered ${COMMIT_WARN_MS} ms after its request was; its seat and its ` +
        `connection wait for that up to ${COMMIT_LIMIT_MS} ms`,
      { route },
    );
  }
}
