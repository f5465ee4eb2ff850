import type { StreamResult } from '../../load/plan.js';
import type { Table } from '../../load/table.js';
import { RIVAL_TITLES, RIVALS, type RivalName } from '../rivals/names.js';
import type { Check, SectionResult } from '../section.js';
import { type Spread, showSpread, spreadOf } from '../support/statistics.js';

/** Offered load as a multiple of the capacity. */
export const FACTORS = [2, 5] as const;

/** Far beyond: by then refusing is most of the work, and only those who refused well at {@link FACTORS} are asked. */
export const EXTREME_FACTOR = 10;

/** Who is run at {@link EXTREME_FACTOR}. */
export const EXTREME_CONTENDERS: readonly Contender[] = ['sluice', 'hand-tuned'];

/** Who stands before the database. */
export type Contender = 'sluice' | RivalName;

/** One run of one contender. */
export interface GoodputRun {
  readonly contender: Contender;
  readonly factor: number;
  readonly repeat: number;
  /** Offered. */
  readonly ratePerSecond: number;
  readonly checkout: Omit<StreamResult, 'events'>;
  readonly reportsPerSecond: number;
  readonly generatorCpu: number;
}

/** Checkouts per second that the database, and the shop in mode `off`, can do; measured around the runs of a repeat. */
export interface Capacity {
  /** Absent where nobody measures it. */
  readonly alone?: number | undefined;
  readonly before: number;
  readonly after: number;
}

/** Everything the section measured. */
export interface GoodputData {
  readonly callers: number;
  readonly capacities: readonly Capacity[];
  readonly tunings: Readonly<Partial<Record<RivalName, unknown>>>;
  readonly runs: readonly GoodputRun[];
}

/** Name of a contender as tables and plots show it. */
export function titleOf(contender: Contender): string {
  return contender === 'sluice' ? 'Sluice' : RIVAL_TITLES[contender];
}

/** Goodput of a contender over the capacity of the same repeat. */
export function ratioOf(data: GoodputData, contender: Contender, factor: number): Spread {
  return spreadOf(
    runsOf(data, contender, factor).map((run) => run.checkout.goodPerSecond / capacity(data, run.repeat)),
  );
}

/** Goodput of a contender, checkouts per second. */
export function goodOf(data: GoodputData, contender: Contender, factor: number): Spread {
  return spreadOf(runsOf(data, contender, factor).map((run) => run.checkout.goodPerSecond));
}

/**
 * Tables and bars, of those who were run.
 *
 * @param where - Where the database is, as titles and bars say it: ` on MariaDB`.
 */
export function summarise(data: GoodputData, where = ''): Pick<SectionResult, 'tables' | 'checks'> {
  const factors = [...FACTORS, EXTREME_FACTOR].filter((factor) => contendersAt(data, factor).length > 0);
  const alone = factors.flatMap((factor) => contendersAt(data, factor)).every((contender) => contender === 'sluice');
  const tables = [capacityTable(data, where), ...factors.map((factor) => table(data, factor, where))];
  return { tables: alone ? tables : [...tables, tuningTable(data)], checks: checks(data, factors, where) };
}

function contendersAt(data: GoodputData, factor: number): Contender[] {
  const asked = factor === EXTREME_FACTOR ? EXTREME_CONTENDERS : (['sluice', ...RIVALS] as const);
  return asked.filter((contender) => runsOf(data, contender, factor).length > 0);
}

function runsOf(data: GoodputData, contender: Contender, factor: number): GoodputRun[] {
  return data.runs.filter((run) => run.contender === contender && run.factor === factor);
}

function capacity(data: GoodputData, repeat: number): number {
  const measured = data.capacities[repeat];
  if (measured === undefined) throw new Error(`repeat ${repeat} has no capacity`);
  return (measured.before + measured.after) / 2;
}

function capacityTable(data: GoodputData, where: string): Table {
  const repeats = data.capacities.map((_, repeat) => capacity(data, repeat));
  const alone = data.capacities.flatMap((each) => each.alone ?? []);
  const shop = `the shop in mode off, ${data.callers} callers back to back: the capacity`;
  return {
    title: `What there is to give${where}`,
    columns: ['', 'checkouts/s'],
    rows: [
      ...(alone.length === 0 ? [] : [['the database alone, 16 raw clients', showSpread(spreadOf(alone))]]),
      [shop, showSpread(spreadOf(repeats))],
    ],
  };
}

function table(data: GoodputData, factor: number, where: string): Table {
  const rows = contendersAt(data, factor).map((contender) => {
    const runs = runsOf(data, contender, factor);
    const of = (pick: (run: GoodputRun) => number): Spread => spreadOf(runs.map(pick));
    const { median: refused } = of((run) => run.checkout.refused);
    return [
      titleOf(contender),
      showSpread(goodOf(data, contender, factor)),
      `${(ratioOf(data, contender, factor).median * 100).toFixed(0)} %`,
      of((run) => run.checkout.okLatency.p50Ms).median.toFixed(0),
      of((run) => run.checkout.okLatency.p99Ms).median.toFixed(0),
      refused === 0 ? '–' : of((run) => run.checkout.refusedLatency.p50Ms).median.toFixed(0),
      refused === 0 ? '–' : of((run) => run.checkout.refusedLatency.p99Ms).median.toFixed(0),
      of((run) => run.checkout.unanswered / Math.max(1, run.checkout.offered)).median.toLocaleString('en', {
        style: 'percent',
        maximumFractionDigits: 1,
      }),
      of((run) => run.reportsPerSecond).median.toFixed(1),
    ];
  });
  const offered = spreadOf(data.runs.filter((run) => run.factor === factor).map((run) => run.ratePerSecond)).median;
  return {
    title: `${factor} times the capacity${where}: ${offered.toFixed(0)} checkouts/s offered, 30 reports/s beside them`,
    columns: [
      'in front of the database',
      'in time/s',
      'of capacity',
      '2xx p50 ms',
      '2xx p99 ms',
      'refused p50 ms',
      'refused p99 ms',
      'unanswered',
      'reports/s',
    ],
    rows,
  };
}

/** How each contender is set, beside its figures: a comparison without that says nothing. */
function tuningTable(data: GoodputData): Table {
  const rows = RIVALS.map((rival) => {
    const tuning = Object.entries(data.tunings[rival] ?? {}).map(([name, value]) => `${name} ${value}`);
    return [titleOf(rival), tuning.join(', ')];
  });
  const own = 'the shop as it is: no tuning but its buckets, lifted so that the database is what is scarce';
  return { title: 'How each is set', columns: ['', 'setting'], rows: [['Sluice', own], ...rows] };
}

/** Least shares of the capacity, by the load. */
const SHARES: ReadonlyMap<number, number> = new Map([
  [2, 0.95],
  [5, 0.88],
  [EXTREME_FACTOR, 0.8],
]);

function checks(data: GoodputData, factors: readonly number[], where: string): Check[] {
  const share = (factor: number): Check => ({
    text: `goodput of Sluice${where} at ${factor} times the capacity, share of the capacity`,
    value: ratioOf(data, 'sluice', factor).median,
    bound: SHARES.get(factor) ?? Number.NaN,
    kind: 'at least',
    unit: '',
  });
  const against = (factor: number): Check => ({
    text: `goodput of Sluice${where} at ${factor} times the capacity, over the hand-tuned queue`,
    value: ratioOf(data, 'sluice', factor).median / ratioOf(data, 'hand-tuned', factor).median,
    bound: 1,
    kind: 'at least',
    unit: '',
  });
  const own = data.runs.filter((run) => run.contender === 'sluice');
  return [
    ...factors.map(share),
    ...FACTORS.filter((factor) => runsOf(data, 'hand-tuned', factor).length > 0).map(against),
    {
      text: `checkouts that Sluice${where} left unanswered, in all runs`,
      value: own.reduce((sum, run) => sum + run.checkout.unanswered, 0),
      bound: 0,
      kind: 'at most',
      unit: '',
    },
    {
      text: `refusals of Sluice${where} at 2 times the capacity, p99`,
      value: spreadOf(runsOf(data, 'sluice', 2).map((run) => run.checkout.refusedLatency.p99Ms)).median,
      bound: 100,
      kind: 'at most',
      unit: 'ms',
    },
  ];
}
