import { withoutLeadingNoise } from '../core/leading-noise.js';
import { SECOND_STATEMENT, type StatementNature } from './session-trace.js';

/** Statements that by their form leave nothing in the session. */
const TRACELESS_START =
  /^\(*\s*(?:select|insert|update|delete|replace|values|with|table|show|explain|describe|desc|begin|start|commit|rollback|savepoint|release|truncate|do)\b/i;

/**
 * Words that reach the session even from a statement that starts harmlessly: user variables, named locks, temporary
 * tables, and what is remembered of the last statement. Looked for in the whole text, literals included.
 */
const TRACE_WORD =
  /:=|\binto\b[^;]*@|get_lock|release_lock|\btemporary\b|last_insert_id\s*\(\s*[^)\s]|sql_calc_found_rows/i;

/**
 * What a statement of MySQL leaves behind, read from its text: a routine that changes session state behind a plain
 * `SELECT` is not noticed. Statements that commit by the way, as those that change tables do, are no commits here: to
 * stop one of these harms nothing.
 */
export function mysqlNature(text: string): StatementNature {
  const bare = withoutLeadingNoise(text);
  return {
    leavesTrace: SECOND_STATEMENT.test(text) || TRACE_WORD.test(text) || !TRACELESS_START.test(bare),
    commits: /^(?:commit|xa\s+commit)\b/i.test(bare),
  };
}

/** Whether a text may choose another database for its session: nothing else puts that back. */
export function mayUseDatabase(text: string): boolean {
  return /\buse\b/i.test(text);
}

/** Whether a text may take on a role: nothing else puts that back. */
export function maySetRole(text: string): boolean {
  return /\brole\b|\bsession\s+authorization\b/i.test(text);
}
