import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Discipline } from '../core/discipline.js';
import { ablations } from '../simulator/ablation.js';
import type { Scenario } from '../simulator/scenario.js';
import type { GatewaySettings } from '../simulator/settings.js';
import { type SimulationResult, simulate } from '../simulator/simulate.js';
import { formatAblation } from './ablation-text.js';
import { readSeed } from './arguments.js';
import { type Arguments, CliError, type CliIo, type Command, UsageError } from './command.js';
import { inFile, loadOptions } from './config-file.js';
import { DecisionTimer } from './decision-timer.js';
import { type Load, loadLoad } from './load-file.js';
import { NOT_MODELLED_HELP, notModelledText } from './not-modelled.js';
import { plotGoodput } from './report-plot.js';
import { formatReports } from './report-text.js';
import { type ConfiguredSettings, settingsOf } from './simulator-settings.js';

/** `sluice simulate`: what the settings would do under a load. */
export const simulateCommand: Command = {
  name: 'simulate',
  usage: '--load <file> [--config <file>]... [options]',
  description:
    'Runs a scenario, or the requests of a decision log, through the admission code of Sluice, on a virtual clock: the same seeds give the\n' +
    'same report, byte for byte. With several --config the same requests meet each of them: before and after.\n' +
    'Without one, the scenario must bring the options of its gateway; a decision log brings the settings that it was\n' +
    `written under. Variables of the environment apply as always, but to the settings of a log.\n${NOT_MODELLED_HELP}`,
  examples: [
    [
      'sluice simulate --load storm.json --config before.mjs --config after.mjs',
      'the same requests under two settings',
    ],
    ['sluice simulate --load decisions.log --ablate', 'what each mechanism was worth for the requests of a real day'],
    [
      'sluice simulate --load storm.json --config gateway.mjs --seed 1 --seed 2 --plot goodput.svg',
      'two runs, and a picture',
    ],
  ],
  options: {
    load: {
      type: 'string',
      short: 'l',
      value: '<file>',
      description:
        'A scenario ("sluiceScenario": 1): JSON, or the default export of .mjs, .js, .ts; or a decision log.',
    },
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
  readonly scenario: Scenario;
  readonly gateway: GatewaySettings;
  /** Settings that are set and not modelled. */
  readonly notModelled: readonly string[];
  readonly discipline?: Partial<Discipline> | undefined;
}

interface Done {
  readonly name: string;
  readonly notModelled: readonly string[];
  readonly result: SimulationResult;
}

async function runSimulate(args: Arguments, io: CliIo): Promise<number> {
  const file = args.text('load');
  if (file === undefined) throw new UsageError('give --load <file>: a scenario, or a decision log');
  const given = readSeeds(args.all('seed'));
  const load = await loadLoad(file, io.cwd);
  for (const text of load.warnings) io.err(text);
  const seeds = given.length === 0 ? load.seeds : given;
  const jobs = await jobsFor(args, load, seeds, io);
  const done = runJobs(jobs, load, io);
  const reports = done.map(({ name, notModelled, result }) => ({ name, notModelled, report: result.report }));
  const assumed = jobs[0] === undefined ? [] : load.assumptions(seeds, jobs[0].gateway);
  if (args.flag('json')) {
    for (const text of assumed) io.err(`sluice: ${text}`);
    io.out(JSON.stringify(reports, undefined, 2));
  } else {
    const text = args.flag('ablate') ? formatAblation(reports) : formatReports(reports);
    io.out([text, assumed.join('\n')].filter((part) => part !== '').join('\n\n'));
  }
  const plot = args.text('plot');
  if (plot !== undefined) await writePlot(resolve(io.cwd, plot), load.name, seeds.length, done);
  return 0;
}

function readSeeds(texts: readonly string[]): number[] {
  const seeds = texts.map((text) => readSeed('--seed', text));
  const twice = seeds.find((seed, place) => seeds.indexOf(seed) !== place);
  if (twice === undefined) return seeds;
  throw new UsageError(`--seed ${twice} is given twice: the same run would count twice; use another, or leave it out`);
}

async function jobsFor(args: Arguments, load: Load, seeds: readonly number[], io: CliIo): Promise<Job[]> {
  const files = args.all('config');
  const jobs: Job[] = [];
  const add = (name: string, gateway: GatewaySettings & Partial<ConfiguredSettings>, config?: string): void => {
    const scenario = { ...load.scenarioOn(gateway, config), seeds };
    const notModelled = [...(gateway.notModelled ?? []), ...load.notModelled(gateway)];
    for (const text of notModelledText(name, notModelled)) io.err(text);
    jobs.push({ name, gateway, scenario, notModelled });
  };
  for (const file of files) {
    const options = await loadOptions(file, io.cwd);
    const settings = inFile(file, () => settingsOf(options, io.env));
    add(nameOf(file, files), settings, file);
  }
  if (jobs.length === 0) add(load.name, load.ownSettings(io.env));
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

function runJobs(jobs: readonly Job[], { recorded }: Load, io: CliIo): Done[] {
  return jobs.map(({ name, scenario, gateway, notModelled, discipline }) => {
    const timer = new DecisionTimer(() => io.nowMs());
    const startedMs = io.nowMs();
    const calls = recorded && ((seed: number) => recorded(seed, gateway));
    const result = simulate({ scenario, recorded: calls, gateway, discipline, probe: timer });
    const seconds = (io.nowMs() - startedMs) / 1000;
    const perSecond = Math.round(result.report.calls / seconds);
    // Not part of the report, which is the same on every machine.
    io.err(
      `sluice: ${name}: ${result.report.calls} requests in ${seconds.toFixed(2)} s, ` +
        `${perSecond} a second; a decision takes ${timer.medianNs} ns`,
    );
    return { name, notModelled, result };
  });
}

async function writePlot(path: string, title: string, runs: number, done: readonly Done[]): Promise<void> {
  const svg = plotGoodput(
    title,
    done.map(({ name, result }) => ({
      name,
      series: result.series,
      sliceMs: result.sliceMs,
      runs,
    })),
  );
  await writeFile(path, svg).catch((error: unknown) => {
    throw new CliError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  });
}
