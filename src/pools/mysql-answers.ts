import type { QueryResult } from './contract.js';

/** The server's flags, which come with every answer that has no rows. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;
const NO_BACKSLASH_ESCAPES = 512;

/** An answer without rows. */
export interface Header {
  readonly affectedRows: number;
  readonly insertId: number;
  readonly serverStatus: number;
}

/** @param flags - As an answer without rows has them; they may be those of a trigger or a routine that it has run. */
export function escapesByBackslash(flags: number): boolean {
  return (flags & NO_BACKSLASH_ESCAPES) === 0;
}

/**
 * Whether a transaction goes on; without autocommit it is as good as open.
 *
 * @param flags - As an answer without rows has them.
 */
export function isOpen(flags: number): boolean {
  return (flags & IN_TRANSACTION) !== 0 || (flags & AUTOCOMMIT) === 0;
}

/** Rows are plain objects, whatever their columns are called. */
export function isHeader(answer: unknown): answer is Header {
  if (typeof answer !== 'object' || answer === null) return false;
  return Object.getPrototypeOf(answer) !== Object.prototype && 'serverStatus' in answer && 'affectedRows' in answer;
}

/** A call of a procedure has several results; the last rows answer. */
export function resultOf(command: string, answer: unknown): QueryResult<never> {
  if (isHeader(answer)) {
    const { affectedRows, insertId } = answer;
    return insertId > 0
      ? { rows: [], rowCount: affectedRows, command, insertId }
      : { rows: [], rowCount: affectedRows, command };
  }
  const list: readonly unknown[] = Array.isArray(answer) ? answer : [];
  const several = isHeader(list.at(-1)) ? list.filter(Array.isArray).at(-1) : undefined;
  const rows = (several ?? list) as never[];
  return { rows, rowCount: rows.length, command };
}
