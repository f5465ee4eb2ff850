/** What the driver throws for while it reads an answer, so that the session would be lost, and what was asked with it. */
const UNREADABLE: ReadonlySet<string> = new Set([
  '__proto__',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
]);

/**
 * A column of an answer has a name that no row can have as a plain object. The statement has run all the same: what it
 * has written is written, or a part of its transaction.
 */
export class ColumnNameError extends TypeError {
  override readonly name = 'ColumnNameError';

  /** @param column - Its name in the answer. */
  constructor(column: string) {
    super(`the answer has a column ${column}, which rows cannot have: give it another name in the statement (AS)`);
  }
}

/**
 * Gives such columns a name under which the driver reads them. Returns why their rows are of no use, if so.
 *
 * @param columns - As the driver tells them; none where an answer has no rows.
 */
export function readableColumns(columns: unknown): ColumnNameError | undefined {
  if (!Array.isArray(columns)) return undefined;
  let found: ColumnNameError | undefined;
  for (const column of columns as { name: string }[]) {
    if (!UNREADABLE.has(column.name)) continue;
    found ??= new ColumnNameError(column.name);
    column.name = 'unreadable';
  }
  return found;
}
