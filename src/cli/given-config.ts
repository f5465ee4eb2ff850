import type { GatewayConfig } from '../config/config.js';
import { resolveConfig } from '../config/resolve.js';
import { type Arguments, type CliIo, type OptionSpec, UsageError } from './command.js';
import { inFile, loadOptions } from './config-file.js';

/** The option of commands that work on the configuration of a gateway. */
export const CONFIG_OPTION: { readonly config: OptionSpec } = {
  config: {
    type: 'string',
    short: 'c',
    value: '<file>',
    description: 'The options, as createGateway takes them: .json, or the default export of .mjs, .js, .ts.',
  },
};

/**
 * Reads the configuration that `--config` names, as it is in this environment.
 *
 * @throws {@link UsageError} without the option; CliError, which names the file, for everything that is wrong in it.
 */
export async function givenConfig(args: Arguments, io: CliIo): Promise<GatewayConfig> {
  const file = args.text('config');
  if (file === undefined) throw new UsageError('give --config <file>');
  const options = await loadOptions(file, io.cwd);
  return inFile(file, () => resolveConfig(options, io.env));
}
