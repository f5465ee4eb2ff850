import { setMaxListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderTable } from '../load/table.js';
import { type BenchOptions, readOptions } from './options.js';
import { storeSection, thisMachine } from './results-file.js';
import { type Check, passes, type Section } from './section.js';
import { adaptive } from './sections/adaptive.js';
import { databaseDown } from './sections/database-down.js';
import { mariadb, pgbouncer } from './sections/elsewhere.js';
import { fleet } from './sections/fleet.js';
import { flood } from './sections/flood.js';
import { goodput } from './sections/goodput.js';
import { goodputChart } from './sections/goodput-chart.js';
import type { GoodputData } from './sections/goodput-summary.js';
import { micro } from './sections/micro.js';
import { outage } from './sections/outage.js';
import { poolCost } from './sections/pool-cost.js';
import { raw } from './sections/raw.js';
import { retryStorm } from './sections/retry-storm.js';
import { sharedPool } from './sections/shared-pool.js';
import { spike } from './sections/spike.js';
import { storm100 } from './sections/storm100.js';
import { telemetry } from './sections/telemetry.js';
import { tenants } from './sections/tenants.js';
import { yielding } from './sections/yielding.js';

const SECTIONS: readonly Section[] = [
  goodput,
  storm100,
  flood,
  sharedPool,
  tenants,
  retryStorm,
  raw,
  micro,
  telemetry,
  outage,
  adaptive,
  yielding,
  databaseDown,
  spike,
  poolCost,
  pgbouncer,
  mariadb,
  fleet,
];
/** From `dist/test/bench` to the repository. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = 'test/bench/results';
const QUICK_RESULTS = '.cache/bench';

const HELP = `npm run bench -- [options]

Measures Sluice and what people use instead, on an embedded PostgreSQL of its own, and writes
${RESULTS}/latest.json and goodput.svg. Loads this machine fully for about an hour;
leave it alone meanwhile.

  --only <section>[,…]   some sections only; the others keep their last results
  --quick                short windows, one repeat, results to ${QUICK_RESULTS}: to see that all works
  --repeats <n>          how often each measurement is repeated (3)
  --seed <n>             seed of arrivals and order (1)
  --help                 this text

${SECTIONS.map(({ name, about }) => `  ${name.padEnd(13)} ${about}`).join('\n')}
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = readOptions(
      args,
      SECTIONS.map(({ name }) => name),
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const abort = new AbortController();
  // Each server that runs listens for both ends; the section with the most has ten of them.
  setMaxListeners(24, abort.signal, process);
  const interrupt = (): void => abort.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const checks = await runSections(options, abort.signal);
    printChecks(checks);
    return checks.every(passes) || options.quick ? 0 : 1;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    console.error('interrupted: everything that was started has ended');
    return 130;
  }
}

async function runSections(options: BenchOptions, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [];
  const folder = join(ROOT, options.quick ? QUICK_RESULTS : RESULTS);
  for (const section of SECTIONS.filter(({ name }) => options.only.includes(name))) {
    const startedMs = performance.now();
    const context = { ...options, signal, note: (text: string) => console.error(`  ${text}`) };
    const result = await section.run(context);
    const stored = { takenAt: new Date().toISOString(), seed: options.seed, machine: thisMachine(), ...result };
    await storeSection(folder, section.name, stored);
    if (section === goodput) await writeFile(join(folder, 'goodput.svg'), goodputChart(result.data as GoodputData));
    console.log(`\n${section.name} (${((performance.now() - startedMs) / 1_000).toFixed(0)} s)\n`);
    for (const table of result.tables) console.log(renderTable(table));
    checks.push(...result.checks);
  }
  return checks;
}

function printChecks(checks: readonly Check[]): void {
  console.log('The bars\n');
  for (const check of checks) {
    const value = `${digits(check.value)}${check.unit === '' ? '' : ` ${check.unit}`}`;
    console.log(
      `  ${passes(check) ? 'reached' : 'MISSED '}  ${check.text}: ${value} (${check.kind} ${digits(check.bound)})`,
    );
  }
}

function digits(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}
