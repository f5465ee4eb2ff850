import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../../examples/support/postgres-server.js';
import { COST_CASES, COST_TITLES, type CostCase, type CostFigures, type CostRun } from '../pool-cost/cases.js';
import type { Check, Section, SectionResult } from '../section.js';
import { runForAnswer } from '../servers.js';
import { DATABASE_SETTINGS } from '../support/database.js';
import { showSpread, spreadOf } from '../support/statistics.js';

const MAIN = fileURLToPath(new URL('../pool-cost/main.js', import.meta.url));
/** Few, so that what disturbs the machine meets all cases of a round or none. */
const CALLS = 100;

/** What a statement costs through Sluice, limits on the server and protection from late cancels included. */
export const poolCost: Section = {
  name: 'pool-cost',
  about: 'a query, a transaction and a borrow through Sluice against a bare client, one at a time',
  async run(context) {
    const rounds = context.quick ? 20 : 80 * context.repeats;
    const server = await startPostgres({ settings: DATABASE_SETTINGS });
    try {
      const run = await runForAnswer<CostRun>(context, MAIN, [server.url, String(rounds), String(CALLS)]);
      return summarise(run, rounds);
    } finally {
      await server.close();
    }
  },
};

/** Each case against the bare one of its own kind; a borrow against the smallest statement. */
const AGAINST: Partial<Record<CostCase, CostCase>> = {
  text: 'bareText',
  textRun: 'bareText',
  bound: 'bareBound',
  boundRun: 'bareBound',
  transaction: 'bareTransaction',
  transactionRun: 'bareTransaction',
  borrow: 'bareText',
};

function summarise(run: CostRun, rounds: number): SectionResult {
  // Of figures of the same round, so that a machine that slows down slows both down.
  const ratio = (name: CostCase, to: CostCase, of: keyof CostFigures = 'tookUs'): number =>
    spreadOf(run[name][of].map((value, round) => value / (run[to][of][round] ?? Number.NaN))).median;
  const check = (name: CostCase, text: string, bound: number): Check => ({
    text,
    value: ratio(name, AGAINST[name] ?? name),
    bound,
    kind: 'at most',
    unit: 'x',
  });
  return {
    conditions: { rounds, calls: CALLS, callers: 1, deadlineMs: 500 },
    tables: [
      {
        title: 'One caller on loopback; medians of rounds in which all cases take turns',
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
    checks: [
      check('text', 'a single query against a bare client', 1.25),
      check('bound', 'a single query with parameters against a bare client', 1.25),
      check('transaction', 'a transaction against a bare one', 1.1),
      check('borrow', 'connect and release against SELECT 1', 0.25),
    ],
    data: run,
  };
}
