import type { ClientsPlan, ClientTally } from '../../load/clients/plan.js';
import { type ClientsRun, MOST_BACKENDS, runWay, type Way } from '../clients/run.js';
import type { BenchContext, Check, Section, SectionResult } from '../section.js';
import { startDatabase } from '../support/database.js';

const WAYS: readonly Way[] = [
  { name: 'direct', pooled: false, restart: false },
  { name: 'direct, restart', pooled: false, restart: true },
  { name: 'PgBouncer', pooled: true, restart: false },
  { name: 'PgBouncer, restart', pooled: true, restart: true },
];

const REQUESTS: ClientsPlan['requests'] = [
  { name: 'checkout', method: 'POST', path: '/checkout', body: '{"sku":{{int 1 1000}},"quantity":1}', weight: 45 },
  { name: 'product', method: 'GET', path: '/products/{{int 1 1000}}', weight: 54 },
  { name: 'report', method: 'GET', path: '/reports/sales?days=7', weight: 1 },
];

/** Thousands of clients that keep their connections, in front of 50 connections to the database. */
export const clients: Section = {
  name: 'clients',
  about: '5,000 clients with think times on 50 database connections, and a restart in the middle',
  run,
};

async function run(context: BenchContext): Promise<SectionResult> {
  const plan = planFor(context);
  const database = await startDatabase(context.signal);
  const runs: ClientsRun[] = [];
  try {
    for (const way of WAYS) {
      context.note(`clients: ${way.name}`);
      runs.push(await runWay(context, database, way, plan));
    }
  } finally {
    await database.close();
  }
  const { clients: count, thinkMs, rampUpMs, steadyMs, rampDownMs } = plan;
  return {
    conditions: { clients: count, thinkMs, rampUpMs, steadyMs, rampDownMs, connections: MOST_BACKENDS },
    tables: [overview(runs), ...runs.map(detail)],
    checks: runs.flatMap((one) => checksOf(one, count)),
    data: runs,
  };
}

function planFor({ quick, seed }: BenchContext): Omit<ClientsPlan, 'port'> {
  const common = { seed, unansweredAfterMs: 35_000, requests: REQUESTS };
  if (quick) return { ...common, clients: 500, thinkMs: 1_500, rampUpMs: 5_000, steadyMs: 10_000, rampDownMs: 5_000 };
  return { ...common, clients: 5_000, thinkMs: 8_000, rampUpMs: 15_000, steadyMs: 30_000, rampDownMs: 15_000 };
}

function sum(run: ClientsRun, read: (tally: ClientTally) => number): number {
  return run.clients.tallies.reduce((total, tally) => total + read(tally), 0);
}

const values = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const good = ({ latency }: ClientTally): number => latency.count;
const answered = ({ statuses }: ClientTally): number => values(statuses);
const unanswered = (tally: ClientTally): number => values(tally.unanswered);

/** Orders that were confirmed and are not there, and those that are there and of which nobody was told so. */
function books(run: ClientsRun): { readonly lost: number; readonly untold: number; readonly unknown: number } {
  const checkouts = run.clients.tallies.filter(({ name }) => name === 'checkout');
  const total = (read: (tally: ClientTally) => number): number => checkouts.reduce((all, one) => all + read(one), 0);
  const confirmed = total(({ statuses }) => statuses['201'] ?? 0);
  const unknown = total((tally) => (tally.statuses['504'] ?? 0) + unanswered(tally));
  return { lost: Math.max(0, confirmed - run.orders), untold: Math.max(0, run.orders - confirmed), unknown };
}

function checksOf(run: ClientsRun, count: number): Check[] {
  const { lost, untold, unknown } = books(run);
  const most = (text: string, value: number, bound: number): Check => ({
    text: `${run.way.name}: ${text}`,
    value,
    bound,
    kind: 'at most',
    unit: '',
  });
  return [
    { ...most('clients connected at once', run.clients.mostConnections, count), kind: 'at least' },
    most('requests without an answer', sum(run, unanswered), 0),
    most(
      'requests neither answered nor given up',
      sum(run, (one) => one.sent - answered(one) - unanswered(one)),
      0,
    ),
    most('confirmed orders that are lost', lost, 0),
    most('orders beyond those confirmed or of unknown outcome', untold, unknown),
    most('sessions at the database at once', run.watched.mostBackends, MOST_BACKENDS),
  ];
}

function overview(runs: readonly ClientsRun[]): SectionResult['tables'][number] {
  const mega = (bytes: number): string => (bytes / 1_048_576).toFixed(0);
  return {
    title: 'Clients that keep their connections, through 50 database connections and 2 for administration',
    columns: [
      'way',
      'clients',
      'sent',
      'good',
      'refused',
      'unanswered',
      'lost',
      'sessions',
      'samples',
      'silent',
      'RSS MB',
      'at rest',
      'restart ms',
    ],
    rows: runs.map((run) => [
      run.way.name,
      String(run.clients.mostConnections),
      String(sum(run, ({ sent }) => sent)),
      String(sum(run, good)),
      String(sum(run, (one) => answered(one) - good(one))),
      String(sum(run, unanswered)),
      String(books(run).lost),
      String(run.watched.mostBackends),
      String(run.watched.samples),
      String(run.watched.silent),
      mega(run.watched.mostBytes),
      mega(run.watched.restBytes),
      run.restartMs.toFixed(0),
    ]),
  };
}

function detail(run: ClientsRun): SectionResult['tables'][number] {
  return {
    title: run.way.name,
    columns: ['request', 'phase', 'sent', 'good', 'p50 ms', 'p99 ms', 'max ms', 'answers'],
    rows: run.clients.tallies.map((one) => [
      one.name,
      one.phase,
      String(one.sent),
      String(good(one)),
      one.latency.p50Ms.toFixed(1),
      one.latency.p99Ms.toFixed(1),
      one.latency.maxMs.toFixed(0),
      Object.entries({ ...one.statuses, ...one.codes, ...one.unanswered })
        .map(([what, times]) => `${what}: ${times}`)
        .join(' '),
    ]),
  };
}
