/** A statement that reads and commits nothing, so that losing it loses nothing. */
const READ_ONLY = /^\s*(?:select|values|table|show|explain)\b/i;
const COMMIT = /^\s*(?:commit|end)(?:\s+(?:work|transaction))?\s*;?\s*$/i;
const BEGIN = /^\s*(?:begin|start\s+transaction)(?:\s+(?:work|transaction))?\s*;?\s*$/i;

/** What a statement means for the transaction around it; `other` for everything that may write. */
export type StatementKind = 'read' | 'begin' | 'commit' | 'other';

/** Reads the kind off the first words of a statement. In doubt it is `other`. */
export function statementKind(text: string): StatementKind {
  if (READ_ONLY.test(text)) return 'read';
  if (COMMIT.test(text)) return 'commit';
  return BEGIN.test(text) ? 'begin' : 'other';
}
