import type { TextMemo } from '../core/text-memo.js';

/** What is known of a statement text. */
export interface StatementNature {
  readonly leavesTrace: boolean;
  readonly commits: boolean;
  /** It may choose what random() gives from now on, which no clean-up of the server takes back. */
  readonly seeds?: boolean | undefined;
  /** What certainly stays in the session after its transaction, with the remedy where that cannot be. */
  readonly staying?: string | undefined;
}

/** The natures of the texts seen last. */
export type StatementNatures = TextMemo<StatementNature>;

/** A second statement in the same text: anything but space after a semicolon. */
export const SECOND_STATEMENT: RegExp = /;\s*\S/;
