import { describeConfig, formatConfig } from '../config/describe.js';
import { resolveConfig } from '../config/resolve.js';
import { type Command, UsageError } from './command.js';
import { inFile, loadOptions } from './config-file.js';

/** `sluice config`: the effective configuration. */
export const configCommand: Command = {
  name: 'config',
  summary: 'print the effective configuration and where each value comes from',
  usage: '--config <file> [--json]',
  description:
    'Reads the options of a gateway from a file and the environment, checks them as a whole, and prints every value\n' +
    'with its variable and its origin. Secrets are masked.',
  examples: [
    ['sluice config --config gateway.mjs', 'what is in force, and by which variable each value can be changed'],
    [
      'SLUICE_MODE=observe sluice config --config gateway.mjs --json',
      'the same for a program, as it would be with a variable',
    ],
  ],
  options: {
    config: {
      type: 'string',
      short: 'c',
      value: '<file>',
      description: 'The options, as createGateway takes them: .json, or the default export of .mjs, .js, .ts.',
    },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  run: async (args, io) => {
    const file = args.text('config');
    if (file === undefined) throw new UsageError('give --config <file>');
    const options = await loadOptions(file, io.cwd);
    const config = inFile(file, () => resolveConfig(options, io.env));
    io.out(args.flag('json') ? JSON.stringify(describeConfig(config), undefined, 2) : formatConfig(config));
    return 0;
  },
};
