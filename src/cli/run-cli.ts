import { ConfigError } from '../config/problem.js';
import { nearestName } from '../core/nearest.js';
import { ScenarioError } from '../simulator/scenario-error.js';
import { packageVersion } from '../telemetry/decision-log/package-version.js';
import { readArguments } from './arguments.js';
import { CliError, type CliIo, type Command, type Mistake, UsageError } from './command.js';
import { COMMANDS } from './commands.js';
import { commandHelp, programHelp } from './help.js';

const FAILED = 1;
const MISUSED = 2;

/**
 * Runs the command line. With `--json` a program that reads what goes `out` finds there, too, why nothing came of it.
 *
 * @param args - What follows the name of the program.
 * @returns The exit code: 0 done, 1 failed (the message says why), 2 misused.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    const mistakes = mistakesOf(error);
    if (mistakes === undefined || !(error instanceof Error)) throw error;
    // On one line: those that print JSON all the time print a line each.
    if (args.includes('--json')) io.out(JSON.stringify({ ok: false, error: error.message, mistakes }));
    io.err(`sluice: ${error.message}`);
    if (!(error instanceof UsageError)) return FAILED;
    const name = COMMANDS.find((command) => command.name === args[0])?.name;
    io.err(`See sluice ${name === undefined ? '' : `${name} `}--help.`);
    return MISUSED;
  }
}

/** The mistakes of whoever called, one by one where there are several; `undefined` for an error of the program. */
function mistakesOf(error: unknown): readonly Mistake[] | undefined {
  if (error instanceof UsageError) return [];
  if (error instanceof CliError) return error.mistakes;
  if (!(error instanceof ConfigError || error instanceof ScenarioError)) return undefined;
  return error.problems.map((problem) => ({ ...problem }));
}

async function dispatch(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? rest[0] : undefined;
    io.out(about === undefined ? programHelp(COMMANDS) : commandHelp(await commandNamed(about)));
    return name === undefined ? MISUSED : 0;
  }
  if (name === '--version' || name === '-v') {
    io.out(packageVersion());
    return 0;
  }
  const command = await commandNamed(name);
  const given = readArguments(command, rest);
  if (!given.flag('help')) return command.run(given, io);
  io.out(commandHelp(command));
  return 0;
}

async function commandNamed(name: string): Promise<Command> {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command.load();
  const what = name.startsWith('-') ? 'option' : 'command';
  const nearest = nearestName(
    name,
    COMMANDS.map((each) => each.name),
  );
  throw new UsageError(`no ${what} "${name}"${nearest === undefined ? '' : `; did you mean ${nearest}?`}`);
}
