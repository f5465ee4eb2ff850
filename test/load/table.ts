import { renderTable as renderRows } from '../../src/cli/table.js';

/** A table of text. Columns with figures are right-aligned. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table for a terminal, under its title. */
export function renderTable({ title, columns, rows }: Table): string {
  return `${title}\n\n${renderRows(columns, rows)}\n`;
}
