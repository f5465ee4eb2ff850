import { lineChart } from '../../test/load/svg-chart.js';
import { renderTable } from '../../test/load/table.js';
import { type Figures, STEP_MS } from './figures.js';
import { DEADLINE_MS } from './surge.js';

/** The same load without and with Sluice. */
export interface Storm {
  readonly without: Figures;
  readonly with: Figures;
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';
const ROWS = 6;

/** Side by side, what became of the checkouts. */
export function stormTable(storm: Storm): string {
  const row = (title: string, of: (figures: Figures) => string): string[] => [title, of(storm.without), of(storm.with)];
  const share = (count: number, { asked }: Figures): string => `${count} (${percent(count / asked)})`;
  return renderTable({
    title: `Checkouts (in time: within ${DEADLINE_MS} ms)`,
    columns: ['', 'without Sluice', 'with Sluice'],
    rows: [
      row('asked for', ({ asked }) => String(asked)),
      row('answered in time', (figures) => share(figures.inTime, figures)),
      row('answered too late', (figures) => share(figures.late, figures)),
      row('time to serve, p50 / p99', ({ served }) => `${ms(served.p50Ms)} / ${ms(served.p99Ms)}`),
      row('refused', (figures) => share(figures.refused, figures)),
      row('time to refuse, p50 / p99', ({ refusals, refused }) =>
        refused === 0 ? '–' : `${ms(refusals.p50Ms)} / ${ms(refusals.p99Ms)}`,
      ),
      row('never answered', (figures) => share(figures.unanswered, figures)),
      row('reports served beside them', ({ reportsServed }) => String(reportsServed)),
    ],
  });
}

/** The run as columns of text, one per half second: how many of the checkouts sent then were answered in time. */
export function stormPlot(storm: Storm): string {
  const most = Math.max(...storm.without.askedPerSecond, ...storm.with.askedPerSecond, 1);
  const seconds = storm.with.askedPerSecond.map((_, step) => (step * STEP_MS) / 1_000);
  const axis = seconds.map((second) => (second % 5 === 0 ? String(second).padEnd(2) : '  ')).join('');
  const part = (title: string, values: readonly number[]): string => `${title}\n${columns(values, most)}\n${axis}s\n`;
  return [
    part(`asked for, up to ${Math.round(most)}/s`, storm.with.askedPerSecond),
    part('in time without Sluice', storm.without.inTimePerSecond),
    part('in time with Sluice', storm.with.inTimePerSecond),
  ].join('\n');
}

/** The same as a picture. */
export function stormSvg(storm: Storm): string {
  const points = (values: readonly number[]): [number, number][] =>
    values.map((value, step) => [((step + 0.5) * STEP_MS) / 1_000, value]);
  return lineChart({
    title: 'Checkouts answered in time, by the second in which they were sent',
    unit: 'per second',
    across: 'seconds',
    lines: [
      { label: 'with Sluice', points: points(storm.with.inTimePerSecond) },
      { label: 'without', points: points(storm.without.inTimePerSecond) },
      { label: 'asked for', points: points(storm.with.askedPerSecond) },
    ],
  });
}

/** What was seen, in one sentence: the figures decide how it goes. */
export function stormSentence({ without, with: guarded }: Storm): string {
  const seen =
    `Without Sluice ${percent(without.inTime / without.asked)} of the checkouts were answered in time, ` +
    `with it ${percent(guarded.inTime / guarded.asked)}`;
  if (guarded.refused === 0) return `${seen}.`;
  return `${seen}, and those it could not serve knew it after ${ms(guarded.refusals.p50Ms)} (p99 ${ms(guarded.refusals.p99Ms)}).`;
}

/** A load that is sent this late tells of the machine, not of the shop, in milliseconds. */
const TOO_LATE_MS = 50;
/** Share of its core from which on a process does nothing in time. */
const FULL_CORE = 0.9;

/** Where the machine was too busy, or too slow, for the figures to mean much: says so, and what helps. */
export function stormCaution({ without, with: guarded }: Storm): string | undefined {
  const lateMs = Math.max(without.sentLateMs, guarded.sentLateMs);
  if (lateMs > TOO_LATE_MS) {
    return (
      `This machine was busy: the load itself was sent up to ${ms(lateMs)} late (p99; more than ${TOO_LATE_MS} ms), so ` +
      'these figures tell more of the machine than of the shop. End what else runs, and try again.'
    );
  }
  if (guarded.busyShare <= FULL_CORE) return undefined;
  return (
    `With Sluice the process of the shop used ${percent(guarded.busyShare)} of its core during the surge (more than ` +
    `${percent(FULL_CORE)}): it was short of a processor before it was short of its database, and no queue helps against ` +
    'that. End what else runs, or try a faster machine.'
  );
}

function columns(values: readonly number[], most: number): string {
  const eighths = values.map((value) => Math.round((value / most) * ROWS * 8));
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const floor = (ROWS - 1 - row) * 8;
    return eighths.map((height) => (BLOCKS[Math.max(0, Math.min(8, height - floor))] ?? ' ').repeat(2)).join('');
  });
  return rows.map((row) => row.trimEnd()).join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}
