/** A table of text. The first column is left-aligned, the others hold figures. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table for a terminal. */
export function renderTable(table: Table): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]): string =>
    widths
      .map((width, column) => (column === 0 ? (line[0] ?? '').padEnd(width) : (line[column] ?? '').padStart(width)))
      .join('  ');
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [table.title, '', render(table.columns), rule, ...table.rows.map(render), ''].join('\n');
}
