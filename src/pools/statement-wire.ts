import type { LocalLimits } from './local-limits.js';
import type { Answer, TransactionStatus } from './pg-wire.js';
import type { SessionLimitValue } from './session-limit.js';

/** The way of one session's messages to its server: one at a time. */
export interface StatementWire {
  readonly status: TransactionStatus;
  /** A message is under way. */
  readonly sending: boolean;
  send(text: string, values: readonly unknown[] | undefined, answer: Answer): void;
  /** Sends limits and the statement that they are for as one message; absent where an engine has no such thing. */
  sendLimited?(limits: LocalLimits, text: string, values: readonly unknown[] | undefined, answer: Answer): void;
  /** The session has ended: completes the message under way. */
  fail(error: unknown): void;
}

/** What a line of statements needs to know of its engine's language. */
export interface StatementWords {
  /** The statement that gives the session this limit for those that follow. */
  limitChange(limit: SessionLimitValue): string;
  /** Whether a statement failed because it was stopped: by a cancel, or by its limit. */
  isStopped(error: unknown): boolean;
  /** Whether a write failed because the server or the session takes none. */
  isReadOnlyRefusal(error: unknown): boolean;
  /** The error of a statement that was stopped before it was sent. */
  stoppedUnsent(): Error;
}
