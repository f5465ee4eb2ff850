/** A table of text. Columns with figures are right-aligned. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Whether a column holds figures: one of its cells begins like one. */
function holdsFigures(table: Table, column: number): boolean {
  return column > 0 && table.rows.some((row) => /^[\d–-]/.test(row[column] ?? ''));
}

/** A table for a terminal. */
export function renderTable(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const cell = (text: string, column: number, width: number): string =>
    holdsFigures(table, column) ? text.padStart(width) : text.padEnd(width);
  const render = (line: readonly string[]): string =>
    widths
      .map((width, column) => cell(line[column] ?? '', column, width))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [table.title, '', render(table.columns), rule, ...table.rows.map(render), ''].join('\n');
}
