import { listNames } from '../../config/names.js';
import type { DecodedLog } from '../../telemetry/decision-log/log-document.js';
import type { PolicySettings } from '../../telemetry/decision-log/policy-settings.js';
import { readSeed } from '../arguments.js';
import { type Arguments, CliError, type CliIo, type Command, UsageError } from '../command.js';
import { inFile, loadOptions } from '../config-file.js';
import { readBytes } from '../load-file.js';
import { decideAgain, otherWriter, readLog } from '../log-file.js';
import { adaptivePools, NOT_MODELLED_HELP, notModelledText } from '../not-modelled.js';
import { settingsOf } from '../simulator-settings.js';
import { compareFates } from './fate-changes.js';
import { policySettings } from './other-settings.js';
import { otherCosts } from './recorded-cost.js';
import { formatChanges, formatRedecided, startOf } from './replay-text.js';
import { whatIf } from './what-if.js';

/** `sluice replay`: decides a recorded log again. */
export const replayCommand: Command = {
  name: 'replay',
  usage: '<log> [--config <file>] [options]',
  operand: '<log>',
  description:
    'Decides every decision of a log again with the code of this Sluice, and compares: the exit code is 0 when all come\n' +
    'out the same. A gateway with decisionLogRecords writes one: writeFile(path, gateway.decisionLog()).\n' +
    `With --config, the same requests meet other settings, and a table shows whose fate changes.\n${NOT_MODELLED_HELP}\nSo is adaptive: the seats change where they did in the log.`,
  examples: [
    ['sluice replay decisions.log', 'whether this version decides as the one that wrote the log'],
    ['sluice replay decisions.log --config after.mjs', 'whose fate would have been another'],
  ],
  options: {
    config: {
      type: 'string',
      short: 'c',
      value: '<file>',
      description: 'Other options of the gateway: .json, or the default export of .mjs, .js, .ts. Pools need no url.',
    },
    seed: { type: 'string', value: '<n>', description: 'For times that the log does not know. Default 1.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  run: runReplay,
};

async function runReplay(args: Arguments, io: CliIo): Promise<number> {
  const file = args.operand;
  if (file === undefined) throw new UsageError('give the file of a decision log: sluice replay <log>');
  const seed = readSeed('--seed', args.text('seed') ?? '1');
  const log = readLog(file, await readBytes(file, io.cwd));
  for (const text of otherWriter(file, log)) io.err(text);
  const traffic = decideAgain(file, log);
  const { outcome } = traffic;
  const config = args.text('config');
  if (config === undefined || outcome.difference !== undefined) {
    io.out(args.flag('json') ? JSON.stringify(outcome, undefined, 2) : formatRedecided(log, outcome));
    return outcome.difference === undefined ? 0 : 1;
  }
  const options = await loadOptions(config, io.cwd);
  const configured = inFile(config, () => settingsOf(options, io.env));
  const costs = otherCosts(traffic.requests, configured);
  const notModelled = [...configured.notModelled, ...adaptivePools(configured), ...costs.notModelled];
  const settings = policySettings(configured);
  checkRoutes(log, settings, config);
  for (const text of notModelledText(config, notModelled)) io.err(text);
  const run = whatIf(log, traffic, settings, seed, costs.seats);
  const own = whatIf(log, traffic, log.settings, seed);
  const changes = compareFates(traffic.requests, own.fates, run.fates, startOf(log));
  const { drawn, assumed } = run;
  const { matched, decisions } = outcome;
  const told = { matched, decisions, ...changes, drawn, assumed, seed, notModelled };
  if (args.flag('json')) io.out(JSON.stringify(told, undefined, 2));
  else io.out(formatChanges(log, config, changes, run));
  return 0;
}

function checkRoutes(log: DecodedLog, { routes }: PolicySettings, config: string): void {
  const names = routes.map(({ name }) => name);
  const missing = log.settings.routes.find(({ name }) => !names.includes(name));
  if (missing === undefined) return;
  throw new CliError(`${config} has no route "${missing.name}", which the log has; ${listNames('routes', names)}`);
}
