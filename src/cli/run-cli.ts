import { ConfigError } from '../config/problem.js';
import { nearestName } from '../core/nearest.js';
import { ScenarioError } from '../simulator/read-scenario.js';
import { packageVersion } from '../telemetry/decision-log/package-version.js';
import { readArguments } from './arguments.js';
import { CliError, type CliIo, type Command, UsageError } from './command.js';
import { configCommand } from './config-command.js';
import { doctorCommand } from './doctor/doctor-command.js';
import { commandHelp, programHelp } from './help.js';
import { pgbouncerCommand } from './pgbouncer-command.js';
import { replayCommand } from './replay/replay-command.js';
import { simulateCommand } from './simulate-command.js';
import { sizeCommand } from './size-command.js';
import { topCommand } from './top/top-command.js';

/** The commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  simulateCommand,
  replayCommand,
  configCommand,
  sizeCommand,
  doctorCommand,
  topCommand,
  pgbouncerCommand,
];

const FAILED = 1;
const MISUSED = 2;

/**
 * Runs the command line.
 *
 * @param args - What follows the name of the program.
 * @returns The exit code: 0 done, 1 failed (the message says why), 2 misused.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof UsageError) {
      const name = COMMANDS.find((command) => command.name === args[0])?.name;
      io.err(`sluice: ${error.message}`);
      io.err(`See sluice ${name === undefined ? '' : `${name} `}--help.`);
      return MISUSED;
    }
    if (error instanceof CliError || error instanceof ConfigError || error instanceof ScenarioError) {
      io.err(`sluice: ${error.message}`);
      return FAILED;
    }
    throw error;
  }
}

async function dispatch(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? rest[0] : undefined;
    io.out(about === undefined ? programHelp(COMMANDS) : commandHelp(commandNamed(about)));
    return name === undefined ? MISUSED : 0;
  }
  if (name === '--version' || name === '-v') {
    io.out(packageVersion());
    return 0;
  }
  const command = commandNamed(name);
  const given = readArguments(command, rest);
  if (!given.flag('help')) return command.run(given, io);
  io.out(commandHelp(command));
  return 0;
}

function commandNamed(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  const what = name.startsWith('-') ? 'option' : 'command';
  const nearest = nearestName(
    name,
    COMMANDS.map((each) => each.name),
  );
  throw new UsageError(`no ${what} "${name}"${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
}
