import { fileURLToPath } from 'node:url';
import type { BenchContext, Check, SectionResult } from '../section.js';
import { runForAnswer } from '../servers.js';
import { showSpread, spreadOf } from '../support/statistics.js';
import { COST_CASES, COST_TITLES, type CostCase, type CostFigures, type CostRun } from './cases.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
/** Few, so that what disturbs the machine meets all cases of a round or none. */
const CALLS = 100;

/** What a case may cost at most, as a multiple of the bare one. */
export interface CostBar {
  readonly name: CostCase;
  readonly text: string;
  readonly bound: number;
}

/** On what it is measured, and what is asked of it. */
export interface CostPlan {
  readonly url: string;
  /** Where that is, as titles and bars say it: ` on MariaDB`. */
  readonly where: string;
  readonly bars: readonly CostBar[];
}

/** Each case against the bare one of its own kind; a borrow against the smallest statement. */
const AGAINST: Partial<Record<CostCase, CostCase>> = {
  text: 'bareText',
  textRun: 'bareText',
  bound: 'bareBound',
  boundRun: 'bareBound',
  mixedRun: 'bareBound',
  transaction: 'bareTransaction',
  transactionRun: 'bareTransaction',
  borrow: 'bareText',
};

/** What a statement costs through Sluice, in a process of its own, whichever engine the url names. */
export async function measureCost(context: BenchContext, plan: CostPlan): Promise<SectionResult> {
  const rounds = context.quick ? 20 : 80 * context.repeats;
  const run = await runForAnswer<CostRun>(context, MAIN, [plan.url, String(rounds), String(CALLS)]);
  return summarise(run, rounds, plan);
}

function summarise(run: CostRun, rounds: number, { where, bars }: CostPlan): SectionResult {
  // Of figures of the same round, so that a machine that slows down slows both down.
  const ratio = (name: CostCase, to: CostCase, of: keyof CostFigures = 'tookUs'): number =>
    spreadOf(run[name][of].map((value, round) => value / (run[to][of][round] ?? Number.NaN))).median;
  const check = ({ name, text, bound }: CostBar): Check => ({
    text: text + where,
    value: ratio(name, AGAINST[name] ?? name),
    bound,
    kind: 'at most',
    unit: 'x',
  });
  return {
    conditions: { rounds, calls: CALLS, callers: 1, deadlineMs: 500 },
    tables: [
      {
        title: `One caller on loopback${where}; medians of rounds in which all cases take turns`,
        columns: ['', 'µs a call', 'against the bare one', 'CPU µs of the client', 'against the bare one'],
        rows: COST_CASES.map((name) => {
          const to = AGAINST[name];
          return [
            COST_TITLES[name],
            showSpread(spreadOf(run[name].tookUs)),
            to ? `${ratio(name, to).toFixed(2)} x` : '–',
            spreadOf(run[name].cpuUs).median.toFixed(1),
            to ? `${ratio(name, to, 'cpuUs').toFixed(2)} x` : '–',
          ];
        }),
      },
    ],
    checks: bars.map(check),
    data: run,
  };
}
