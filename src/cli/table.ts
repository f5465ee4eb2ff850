/** Text in columns: those with figures are aligned to the right. */
export function renderTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const figures = columns.map((_, column) => column > 0 && rows.some((row) => /^[\d–+-]/.test(row[column] ?? '')));
  const shown = lines.map((line) =>
    widths
      .map((width, column) => {
        const cell = line[column] ?? '';
        return figures[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [shown[0], rule, ...shown.slice(1)].join('\n');
}
