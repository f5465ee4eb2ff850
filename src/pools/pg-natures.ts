import { withoutLeadingNoise } from '../core/leading-noise.js';
import { stayingForGood, stayingState, takenBack } from './session-guard.js';
import { SECOND_STATEMENT, type StatementNature } from './session-trace.js';

/**
 * Statements that by their form leave nothing in the session: their effects are in the data, in the transaction or
 * in the result. Everything else, DDL included, counts as leaving a trace; a needless clean-up is cheap, a missed one
 * shows one borrower the state of another.
 */
const TRACELESS_START =
  /^(?:select|insert|update|delete|merge|values|with|table|show|begin|start|commit|end|rollback|abort|savepoint|release|lock|truncate|notify|set\s+local|set\s+transaction|set\s+constraints)\b/i;

/**
 * Words that reach the session even from a statement that starts harmlessly: settings, session locks, temporary
 * tables, connections to elsewhere, and identifiers written in escapes that could hide any of these. Looked for in
 * the whole text, literals included, because being wrong in that direction is harmless.
 */
const TRACE_WORD = /set_config|setseed|advisory_lock|pg_settings|\btemp\b|\btemporary\b|pg_temp|dblink|u&"/i;

/**
 * Whether a statement may leave something in its session that the next borrower could see. It reads the text, so a
 * function of the application that changes session state behind a plain `SELECT` is not noticed.
 */
export function mayLeaveTrace(text: string): boolean {
  return SECOND_STATEMENT.test(text) || TRACE_WORD.test(text) || !TRACELESS_START.test(withoutLeadingNoise(text));
}

/** Whether a text commits a transaction by itself, and so must not be cancelled. */
export function isCommit(text: string): boolean {
  if (/^(?:commit|end)\b/i.test(withoutLeadingNoise(text))) return true;
  return SECOND_STATEMENT.test(text) && /\bcommit\b/i.test(text);
}

/** What a statement of PostgreSQL is, read from its text. */
export function pgNature(text: string): StatementNature {
  const leavesTrace = mayLeaveTrace(text);
  return {
    leavesTrace,
    commits: isCommit(text),
    seeds: (leavesTrace && /seed/i.test(text)) || undefined,
    staying: leavesTrace ? (stayingState(text) ?? takenBack(text) ?? stayingForGood(text)) : undefined,
  };
}
