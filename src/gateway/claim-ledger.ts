import type { ErrorCode, Refusal } from '../errors.js';

/** Where the way of a claim is counted. */
export interface ClaimLedger {
  arrive(): void;
  enqueue(): void;
  admit(queueWaitMs: number, timeLeftMs?: number): void;
  shedWith(code: ErrorCode, refusal?: Refusal): void;
  abandon(): void;
}
