import type { NamedReport } from './report-text.js';
import { renderTable } from './table.js';

/** Variants of the discipline, one a line: what each mechanism is worth. */
export function formatAblation(reports: readonly NamedReport[]): string {
  const classes = reports[0]?.report.windows[0]?.classes.map(({ name }) => name) ?? [];
  const rows = reports.flatMap(({ name, report }) => {
    const [whole] = report.windows;
    if (whole === undefined) return [];
    const { total } = whole;
    const success = classes.map((title) => {
      const group = whole.classes.find((each) => each.name === title);
      return group === undefined ? '–' : group.successPercent.toFixed(2);
    });
    return [
      [
        name,
        total.goodPerSecond.toFixed(1),
        total.usefulPercent.toFixed(1),
        ...success,
        ...[total.shed.p50Ms, total.shed.p99Ms, total.shedFromQueue.p50Ms, total.shedFromQueue.p99Ms].map((value) =>
          value === null ? '–' : String(Math.round(value)),
        ),
        String(Math.max(0, ...report.pools.map(({ longestQueue }) => longestQueue))),
      ],
    ];
  });
  const columns = [
    ...['discipline', 'good/s', 'useful %'],
    ...classes.map((name) => `${name} %`),
    ...['shed p50 ms', 'p99 ms', 'from queue p50 ms', 'p99 ms', 'longest queue'],
  ];
  return renderTable(columns, rows);
}
