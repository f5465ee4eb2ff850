import { HELP } from './arguments.js';
import type { Command, OptionSpec } from './command.js';
import type { ListedCommand } from './commands.js';

/** The help of the whole. */
export function programHelp(commands: readonly ListedCommand[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Usage: sluice <command> [options]',
    '',
    'Back-pressure for Express: sizing, settings and their effect, and a look at what runs.',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'sluice <command> --help tells more of one. sluice --version tells the version.',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, help: HELP }).map(
    ([name, spec]) => [shown(name, spec), spec.description] as const,
  );
  const width = Math.max(...options.map(([left]) => left.length));
  return [
    `Usage: sluice ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.description,
    '',
    'Options:',
    ...options.map(([left, description]) => `  ${left.padEnd(width)}  ${description}`),
    '',
    'Examples:',
    ...command.examples.flatMap(([call, when]) => [`  ${call}`, `      ${when}`]),
  ].join('\n');
}

function shown(name: string, { short, type, value }: OptionSpec): string {
  const long = type === 'string' ? `--${name} ${value ?? '<value>'}` : `--${name}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}
