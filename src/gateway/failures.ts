import { type Outcome, type Refusal, SluiceError } from '../errors.js';
import { counterpartState } from '../pools/mysql-states.js';
import { type CircuitState, shownCircuit } from './refusals.js';

/** The client went away. Nobody is answered with this: it ends the work of a request that has no reader any more. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  constructor() {
    super('the client went away before it was answered; its database work was stopped');
  }
}

/** Whether an error only tells that the client went away; others wrap the reason of the signal that they were given. */
export function tellsOfClientGone(error: unknown): boolean {
  return error instanceof ClientGoneError || (error instanceof Error && error.cause instanceof ClientGoneError);
}

/** Database work was asked for, or still under way, after the request had been answered and had lost its seat. */
export class AnsweredError extends Error {
  override readonly name = 'AnsweredError';
  constructor(route: string) {
    super(`the request on route "${route}" has been answered; work that outlives it belongs into gateway.run()`);
  }
}

/** Where transactions are not a statement's to begin or end. */
const NOT_ITS_OWN: Readonly<Record<'transaction' | 'query' | 'leftOpen', string>> = {
  transaction:
    'transaction() begins and ends its transaction itself: return to commit, throw to roll back, use SAVEPOINT inside; ' +
    'connect() gives a connection whose transactions you steer',
  query:
    'query() runs one statement and gives its connection back, where an open transaction is rolled back: use ' +
    'transaction(), or connect(), which gives a connection whose transactions you steer. The statement was not sent',
  leftOpen:
    'a statement of query() left a transaction open, which was rolled back with the return of its connection: use ' +
    'transaction(), or connect(), which gives a connection whose transactions you steer',
};

/**
 * A statement inside `transaction()`, or one of `query()`, would have begun or ended a transaction: it was not sent. One
 * of `query()` whose text did not show that was, and what it left open was rolled back.
 */
export class TransactionControlError extends Error {
  override readonly name = 'TransactionControlError';

  /** @internal */
  constructor(where: keyof typeof NOT_ITS_OWN) {
    super(NOT_ITS_OWN[where]);
  }
}

/** COMMIT was answered with a rollback. `cause` is the error of the statement that had failed. */
export class FailedTransactionError extends Error {
  override readonly name = 'FailedTransactionError';
  constructor(cause: unknown) {
    super('the transaction was rolled back: one of its statements had failed, and the failure was not passed on', {
      cause,
    });
  }
}

/** Where work has failed: its route, and the pool that it asked. */
export interface Place {
  readonly route: string;
  readonly pool: string;
}

/** The deadline ran out after dispatch. */
export function deadlineExpired(route: string, deadlineMs: number, outcome: Outcome): SluiceError {
  return new SluiceError({
    code: 'deadline_expired',
    status: 504,
    outcome,
    detail: `The deadline passed before the answer was ready. ${REMEDY[outcome]}`,
    measured: { stage: 'handler', route, deadline_ms: Math.round(deadlineMs) },
  });
}

/** A request that gave its seat up for a time was shed while it waited for another. */
export function noSeatAgain(refusal: Refusal, outcome: Outcome): SluiceError {
  return new SluiceError({
    ...refusal,
    status: outcome === 'unknown' ? 504 : refusal.status,
    outcome,
    detail: `The request gave its seat up and could not get another. ${REMEDY[outcome]}`,
  });
}

/** The circuit opened between preflight and the first statement. */
export function breakerOpen(
  { route, pool }: Place,
  retryAfterMs: number,
  circuit: CircuitState,
  outcome: Outcome,
): SluiceError {
  return new SluiceError({
    code: 'breaker_open',
    status: 503,
    outcome,
    detail: 'The database answers with too many failures at present, so it is left alone for a moment.',
    retryAfterMs,
    measured: { stage: 'handler', route, pool, ...shownCircuit(circuit), passes_in_ms: Math.ceil(retryAfterMs) },
  });
}

/** The connection died under the request. */
export function connectionLost({ route, pool }: Place, outcome: Outcome, cause: unknown): SluiceError {
  return new SluiceError({
    code: 'connection_lost',
    status: outcome === 'unknown' ? 504 : 503,
    outcome,
    detail: `The connection to the database was lost. ${REMEDY[outcome]}`,
    retryAfterMs: 1_000,
    measured: { stage: 'handler', route, pool },
    cause,
  });
}

/** The end of the process stopped the work: nobody else has cut its connection. */
export function cutByDrain({ route, pool }: Place, outcome: Outcome, cause: unknown): SluiceError {
  return new SluiceError({ ...drainedAtWork(outcome), measured: { stage: 'handler', route, pool }, cause });
}

/** The same of a handler that was not asking the database for anything. */
export function stoppedByDrain(route: string, outcome: Outcome): SluiceError {
  return new SluiceError({ ...drainedAtWork(outcome), measured: { stage: 'handler', route } });
}

function drainedAtWork(outcome: Outcome) {
  return {
    code: 'draining',
    status: outcome === 'unknown' ? 504 : 503,
    outcome,
    detail: `This instance is shutting down and stopped the request. ${REMEDY[outcome]}`,
    retryAfterMs: 1_000,
  } as const;
}

/** No connection could be had while the server is away. */
export function databaseAway({ route, pool }: Place, outcome: Outcome, cause: unknown): SluiceError {
  return new SluiceError({
    code: 'database_unavailable',
    status: 503,
    outcome,
    detail: `The database cannot be reached at present. ${REMEDY[outcome]}`,
    retryAfterMs: 1_000,
    measured: { stage: 'handler', route, pool },
    cause,
  });
}

/** The server works and says that it cannot serve this now; its state is named. */
export function databaseBusy({ route, pool }: Place, outcome: Outcome, cause: unknown): SluiceError {
  const sqlState = sqlStateOf(cause) ?? 'unknown';
  return new SluiceError({
    code: 'database_busy',
    status: 503,
    outcome,
    detail: `The database cannot serve this at present: ${STATES[sqlState] ?? `state ${sqlState}`}. ${REMEDY[outcome]}`,
    retryAfterMs: 1_000,
    measured: { stage: 'handler', route, pool, sql_state: sqlState },
    cause,
  });
}

/** SQLSTATE of a driver's error, where it has one; of MySQL's the one that PostgreSQL would have given. */
export function sqlStateOf(error: unknown): string | undefined {
  const counterpart = counterpartState(error);
  if (counterpart !== undefined) return counterpart;
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const REMEDY: Readonly<Record<Outcome, string>> = {
  not_started: 'None of its database work was started: as far as that goes a retry is safe.',
  rolled_back: 'Its database work was rolled back: as far as that goes a retry is safe.',
  unknown: 'Its work may have taken effect: look before you retry.',
};

const STATES: Readonly<Record<string, string>> = {
  '55P03': 'a lock was not granted in time',
  '53100': 'its disk is full',
  '53200': 'it is out of memory',
  '53300': 'it has too many connections',
  '53400': 'a limit of its settings is reached, for example what its user may do in an hour',
  '25006': 'it is read-only',
  '57P03': 'it is starting or stopping',
};
