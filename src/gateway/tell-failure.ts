import { SluiceError } from '../errors.js';
import { AcquireTimeoutError, OutageGivenUpError, PoolClosedError } from '../pools/contract.js';
import { ImplicitCommitError } from '../pools/implicit-commit.js';
import { connectionLost, cutByDrain, databaseAway, databaseBusy, deadlineExpired } from './failures.js';
import type { Loan } from './loan.js';
import type { Loans } from './loans.js';
import type { SessionOwner } from './session-owner.js';
import { verdictOf } from './verdict.js';

/** The server measures its limit with a clock of its own. */
const CLOCK_SLACK_MS = 2;

/** What the caller is told about a failed statement; the loan keeps what the breaker is told about it. */
export function tellFailure(error: unknown, loan: Loan, loans: Loans): unknown {
  const { runtime, owner, clock, work } = loans;
  const { pool } = runtime;
  const kind = loan.refusesWrite(error) ? 'application' : pool.classify(error);
  if (loans.closed) {
    loan.verdict = loan.slow ? 'slow' : 'neutral';
    return loans.whyClosed();
  }
  const nowMs = clock.nowMs();
  loan.verdict = verdictOf(kind, error, loan.tookLong(nowMs, owner.route.config.deadlineMs));
  if (error instanceof SluiceError || error instanceof ImplicitCommitError) return error;
  // A closed pool cuts what its bound leaves over.
  const cut = pool.state === 'closed' && (kind === 'connection_lost' || kind === 'cancelled');
  if (cut) return cutByDrain(loans.place, work.outcome, error);
  switch (kind) {
    case 'connection_lost':
      return connectionLost(loans.place, work.outcome, error);
    case 'database_busy':
      return databaseBusy(loans.place, work.outcome, error);
    case 'cancelled':
      return isLate(nowMs, owner) ? deadlineExpired(owner.route.name, owner.ticket.allowedMs, work.outcome) : error;
    default:
      // A conflict rolls back what is open, and tells nothing of what was committed before.
      return loan.brokenOff || (loan.opaque && kind === 'contention') ? new ImplicitCommitError(error) : error;
  }
}

/** What a caller is told that asked for a connection and got none. */
export function tellNoConnection(error: unknown, loans: Loans): unknown {
  const { owner, work } = loans;
  const { pool } = loans.runtime;
  if (loans.closed) return loans.whyClosed();
  if (error instanceof PoolClosedError) return cutByDrain(loans.place, work.outcome, error);
  if (error instanceof OutageGivenUpError) return databaseAway(loans.place, work.outcome, error);
  if (!(error instanceof AcquireTimeoutError)) return error;
  if (pool.state !== 'up') return databaseAway(loans.place, work.outcome, error);
  return deadlineExpired(owner.route.name, owner.ticket.allowedMs, work.outcome);
}

/** A statement that was stopped before its deadline was stopped by somebody else: its handler, or an operator. */
function isLate(nowMs: number, owner: SessionOwner): boolean {
  return nowMs >= owner.deadlineAtMs - CLOCK_SLACK_MS;
}
