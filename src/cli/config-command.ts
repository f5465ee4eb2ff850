import { describeConfig, formatConfig } from '../config/describe.js';
import { doubtsOf } from '../config/doubts.js';
import type { Command } from './command.js';
import { CONFIG_OPTION, givenConfig } from './given-config.js';

/** `sluice config`: the effective configuration. */
export const configCommand: Command = {
  name: 'config',
  usage: '--config <file> [--json]',
  description:
    'Reads the options of a gateway from a file and the environment, checks them as a whole, and prints every value\n' +
    'with its variable and its origin. Secrets are masked. What contradicts nothing but can hardly be meant is told\n' +
    'beside that, on the standard error.',
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
    for (const { where, text } of doubtsOf(config)) io.err(`worth a second look: ${where}: ${text}`);
    io.out(args.flag('json') ? JSON.stringify(describeConfig(config), undefined, 2) : formatConfig(config));
    return 0;
  },
};
