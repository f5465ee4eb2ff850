import type { QueryResult } from './contract.js';
import type { LocalLimits } from './local-limits.js';
import type { SessionLimitValue } from './session-limit.js';
import type { StatementNature } from './session-trace.js';
import type { Answer, StatementWire, TransactionStatus } from './statement-wire.js';

/** What a statement asks of its session. */
export interface Terms extends StatementNature {
  /** What the session's limit has to be outside a transaction; `undefined` leaves it as it is. */
  readonly limit?: SessionLimitValue;
  /** The statements that open a transaction for it, in the same message. */
  readonly opening?: readonly string[];
  /** What it sets for itself outside a transaction, in the same message. */
  readonly local?: LocalLimits | undefined;
  /** Why it cannot run in this state of the transaction, if so. */
  readonly refusal?: (status: TransactionStatus) => Error | undefined;
}

/** One statement of the borrower. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly terms: Terms;
  readonly resolve: (result: QueryResult<never>) => void;
  readonly reject: (error: unknown) => void;
  /** A cancel was asked for. */
  stopped: boolean;
  /** It is on the server, not merely its limit. */
  sent: boolean;
}

/** What gives one statement a limit that it alone has: its engine's words before it, or limits of its transaction. */
export interface OwnLimit {
  readonly before?: string;
  readonly local?: LocalLimits;
}

/** Sends a statement with all that it brings with it. */
export function sendOn(
  wire: StatementWire,
  { text, values, terms }: Statement,
  { before, local = terms.local }: OwnLimit,
  answer: Answer,
): void {
  if (terms.opening !== undefined && wire.sendOpening !== undefined) {
    wire.sendOpening(terms.opening, text, values, answer);
  } else if (local === undefined || wire.sendLimited === undefined || wire.status !== 'I') {
    wire.send(text, values, answer, before);
  } else {
    wire.sendLimited(local, text, values, answer);
  }
}

function refuseToNest(status: TransactionStatus): Error | undefined {
  return status === 'I' ? undefined : new Error('a transaction is open already: commit or roll it back first');
}

export const BEGIN: Terms = { leavesTrace: false, commits: false, refusal: refuseToNest };

/** The terms of a statement that opens its transaction itself. */
export function openingWith(opening: readonly string[], { leavesTrace, commits }: StatementNature): Terms {
  return { opening, leavesTrace, commits, refusal: refuseToNest };
}

/** A BEGIN under a limit of the session. */
export function beginUnder(limit: SessionLimitValue): Terms {
  return { limit, leavesTrace: false, commits: false, refusal: refuseToNest };
}

export const COMMIT: Terms = {
  leavesTrace: false,
  commits: true,
  // The server would only warn, and the caller would believe that its work was done.
  refusal: (status) => (status === 'I' ? new Error('no transaction is open: nothing to commit') : undefined),
};

/** Nothing is gained by cancelling it, and it must not fail. */
export const ROLLBACK: Terms = { leavesTrace: false, commits: true };
