import type { QueryResult } from './contract.js';
import type { LocalLimits } from './local-limits.js';
import type { SessionLimitValue } from './session-limit.js';

/** What became of one message: an error, or a result. */
export type Answer = (error: unknown, result: QueryResult<never> | undefined) => void;

/** The state of the transaction, as the server tells it: none, one that goes on, one that has failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** The way of one session's messages to its server: one at a time. */
export interface StatementWire {
  readonly status: TransactionStatus;
  /** A message is under way. */
  readonly sending: boolean;
  /** @param before - What the message begins with, and is no part of the statement: see {@link StatementWords.limitBefore}. */
  send(text: string, values: readonly unknown[] | undefined, answer: Answer, before?: string): void;
  /** Sends limits and the statement that they are for as one message; absent where an engine has no such thing. */
  sendLimited?(limits: LocalLimits, text: string, values: readonly unknown[] | undefined, answer: Answer): void;
  /**
   * Sends what opens a transaction and its first statement, which has values, as one message; absent where an engine has
   * no such thing.
   */
  sendOpening?(opening: readonly string[], text: string, values: readonly unknown[] | undefined, answer: Answer): void;
  /** The session has ended: completes the message under way, and whatever is still to be sent, with `error`. */
  fail(error: unknown): void;
}

/** What a line of statements needs to know of its engine's language. */
export interface StatementWords {
  /** The statement that gives the session this limit for those that follow. */
  limitChange(limit: SessionLimitValue): string;
  /**
   * What stands before a statement to give it, and it alone, this limit; `undefined` where that is not to be had for it.
   * Absent where no statement of an engine can have it.
   */
  limitBefore?(limit: SessionLimitValue, text: string): string | undefined;
  /** What stands before a COMMIT or ROLLBACK where the session's limit would cut it; absent where it does not. */
  readonly limitLifted?: string;
  /** Whether a statement failed because it was stopped: by a cancel, or by its limit. */
  isStopped(error: unknown): boolean;
  /** Whether a write failed because the server or the session takes none. */
  isReadOnlyRefusal(error: unknown): boolean;
  /** The error of a statement that was stopped before it was sent. */
  stoppedUnsent(): Error;
}

/** Sends a message and waits for what becomes of it. */
export function answered(send: (answer: Answer) => void): Promise<QueryResult<never>> {
  return new Promise((resolve, reject) => {
    send((error, result) => (result === undefined ? reject(error) : resolve(result)));
  });
}
