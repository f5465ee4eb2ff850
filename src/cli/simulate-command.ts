import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Discipline } from '../core/discipline.js';
import { ablations } from '../simulator/ablation.js';
import type { ReadScenario } from '../simulator/read-scenario.js';
import type { Scenario } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import { type SimulationResult, simulate } from '../simulator/simulate.js';
import { formatAblation } from './ablation-text.js';
import { readNumber } from './arguments.js';
import { type Arguments, CliError, type CliIo, type Command, UsageError } from './command.js';
import { isOptions, loadOptions } from './config-file.js';
import { DecisionTimer } from './decision-timer.js';
import { plotGoodput } from './report-plot.js';
import { formatReports } from './report-text.js';
import { checkNames, loadScenario } from './scenario-file.js';
import { settingsOf } from './simulator-settings.js';

/** `sluice simulate`: what the settings would do under a load. */
export const simulateCommand: Command = {
  name: 'simulate',
  summary: 'tell what the settings would do under a load',
  usage: '--load <scenario.json> [--config <file>]... [options]',
  description:
    'Runs the load of a scenario through the admission code of Sluice, on a virtual clock: the same seeds give the\n' +
    'same report, byte for byte. With several --config the same requests meet each of them: before and after.\n' +
    'Without one, the scenario must bring the options of its gateway. Variables of the environment apply as always.',
  options: {
    load: { type: 'string', short: 'l', value: '<file>', description: 'The scenario: JSON, "sluiceScenario": 1.' },
    config: {
      type: 'string',
      short: 'c',
      value: '<file>',
      multiple: true,
      description: 'Options of a gateway: .json, or the default export of .mjs, .js, .ts. Pools need no url here.',
    },
    seed: { type: 'string', value: '<n>', multiple: true, description: 'Seeds instead of those of the scenario.' },
    ablate: { type: 'boolean', description: 'Switch one mechanism off at a time, and show what each is worth.' },
    json: { type: 'boolean', description: 'Print the reports as JSON.' },
    plot: { type: 'string', value: '<file.svg>', description: 'Write the goodput over time as a picture.' },
  },
  run: runSimulate,
};

/** One simulation to make. */
interface Job {
  readonly name: string;
  readonly gateway: GatewaySettings;
  readonly discipline?: Partial<Discipline> | undefined;
}

interface Done {
  readonly name: string;
  readonly result: SimulationResult;
}

async function runSimulate(args: Arguments, io: CliIo): Promise<number> {
  const load = args.text('load');
  if (load === undefined) throw new UsageError('give --load <scenario.json>');
  const read = await loadScenario(load, io.cwd);
  const scenario = withSeeds(read.scenario, args.all('seed'));
  const jobs = await jobsFor(args, read, io);
  for (const { gateway } of jobs) checkNames(read, gateway);
  for (const text of assumptions(scenario, jobs)) io.err(text);
  const done = runJobs(jobs, scenario, io);
  const reports = done.map(({ name, result }) => ({ name, report: result.report }));
  if (args.flag('json')) io.out(JSON.stringify(reports, undefined, 2));
  else io.out(args.flag('ablate') ? formatAblation(reports) : formatReports(reports));
  const plot = args.text('plot');
  if (plot !== undefined) await writePlot(resolve(io.cwd, plot), scenario, done);
  return 0;
}

async function jobsFor(args: Arguments, { scenario, mistake }: ReadScenario, io: CliIo): Promise<Job[]> {
  const files = args.all('config');
  const jobs: Job[] = [];
  for (const file of files) {
    jobs.push({ name: nameOf(file, files), gateway: settingsOf(await loadOptions(file, io.cwd), io.env) });
  }
  if (jobs.length === 0) {
    const { gateway } = scenario;
    if (!isOptions(gateway)) throw mistake([], 'brings no "gateway"; name a configuration with --config <file>');
    jobs.push({ name: scenario.name, gateway: settingsOf(gateway, io.env) });
  }
  if (!args.flag('ablate')) return jobs;
  const [job] = jobs;
  if (job === undefined || jobs.length > 1) throw new UsageError('--ablate takes one configuration at a time');
  return ablations().map(({ name, discipline }) => ({ ...job, name, discipline }));
}

/** The shortest name that tells a file from the others. */
function nameOf(file: string, files: readonly string[]): string {
  const short = basename(file);
  return files.filter((other) => basename(other) === short).length > 1 ? file : short;
}

function withSeeds(scenario: Scenario, seeds: readonly string[]): Scenario {
  if (seeds.length === 0) return scenario;
  const numbers = seeds.map((text) => {
    const seed = readNumber('--seed', text);
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
      throw new UsageError(`--seed is ${text}: give a whole number from 0 to 4294967295`);
    }
    return seed;
  });
  return { ...scenario, seeds: numbers };
}

/** What was assumed of streams that do not tell how long their requests take. */
function assumptions({ streams }: Scenario, jobs: readonly Job[]): string[] {
  const silent = new Set(streams.filter(({ service }) => service === undefined).map(({ route }) => route));
  return [...silent].map((name) => {
    const expectedMs = jobs[0]?.gateway.routes.find((route) => route.name === name)?.expectedMs;
    const from =
      expectedMs === undefined
        ? '50 ms, as neither the scenario nor expectedMs tells'
        : `its expectedMs, ${expectedMs} ms`;
    return `sluice: ${name}: service times assumed exponential around ${from}`;
  });
}

function runJobs(jobs: readonly Job[], scenario: Scenario, io: CliIo): Done[] {
  return jobs.map(({ name, gateway, discipline }) => {
    const timer = new DecisionTimer(() => io.nowMs());
    const startedMs = io.nowMs();
    const result = simulate({ scenario, gateway, discipline, probe: timer });
    const seconds = (io.nowMs() - startedMs) / 1000;
    const perSecond = Math.round(result.report.calls / seconds);
    // Not part of the report, which is the same on every machine.
    io.err(
      `sluice: ${name}: ${result.report.calls} requests in ${seconds.toFixed(2)} s, ` +
        `${perSecond} a second; a decision takes ${timer.medianNs} ns`,
    );
    return { name, result };
  });
}

async function writePlot(path: string, scenario: Scenario, done: readonly Done[]): Promise<void> {
  const svg = plotGoodput(
    scenario.name,
    done.map(({ name, result }) => ({
      name,
      series: result.series,
      sliceMs: result.sliceMs,
      runs: scenario.seeds.length,
    })),
  );
  await writeFile(path, svg).catch((error: unknown) => {
    throw new CliError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  });
}
