import type { Verdict } from '../breaker/pool-breaker.js';
import type { FailureKind } from '../pools/contract.js';
import { sqlStateOf } from './failures.js';

/**
 * What each kind of failure says about the database to its breaker. A connection that is lost or cannot be made is the
 * outage of the pool, which has a prober of its own; contention is the doing of the transactions that meet, and a
 * cancelled statement the doing of whoever cancelled it, unless it was slow.
 */
const BY_KIND: Readonly<Record<FailureKind, Verdict>> = {
  connection_lost: 'neutral',
  contention: 'neutral',
  application: 'neutral',
  cancelled: 'neutral',
  database_busy: 'failure',
  server_fault: 'failure',
};

/**
 * States whose kind tells too little: a lock that others hold is contention, and a server that starts is an outage. A limit
 * that a session may set, and a place that is missing to somebody who has one, are the application's doing.
 */
const BY_STATE: Readonly<Record<string, Verdict>> = {
  '55P03': 'neutral',
  '57P03': 'neutral',
  '53300': 'neutral',
  '53400': 'neutral',
};

/**
 * What a failed statement says about its database.
 *
 * @param slow - Whether it was stopped after it had used up much of the time that its route allows.
 */
export function verdictOf(kind: FailureKind, error: unknown, slow: boolean): Verdict {
  if (kind === 'cancelled' && slow) return 'slow';
  return BY_STATE[sqlStateOf(error) ?? ''] ?? BY_KIND[kind];
}
