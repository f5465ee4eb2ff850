import { describeConfig, formatConfig } from '../config/describe.js';
import type { Command } from './command.js';
import { CONFIG_OPTION, givenConfig } from './given-config.js';

/** `sluice config`: the effective configuration. */
export const configCommand: Command = {
  name: 'config',
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
    ...CONFIG_OPTION,
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  run: async (args, io) => {
    const config = await givenConfig(args, io);
    io.out(args.flag('json') ? JSON.stringify(describeConfig(config), undefined, 2) : formatConfig(config));
    return 0;
  },
};
