import type { GatewayConfig } from '../../config/config.js';
import { KnownServers } from '../../gateway/known-servers.js';
import { checkLogins } from '../../gateway/login-check.js';
import type { Command } from '../command.js';
import { CONFIG_OPTION, givenConfig } from '../given-config.js';
import { formatFindings } from './doctor-text.js';
import { type Finding, findingsAbout, splitRemedy } from './finding.js';
import { checkHost, thisHost } from './host-checks.js';
import { checkBudgets, checkPool } from './pool-checks.js';
import { checkRedis } from './redis-checks.js';

/** `sluice doctor`: whether this machine and these servers can bear a gateway. */
export const doctorCommand: Command = {
  name: 'doctor',
  usage: '--config <file> [--json] [--strict]',
  description:
    'Reads the options of a gateway from a file and the environment and looks, where the gateway is to run, at file\n' +
    'descriptors, local ports, Node and drivers; and at each server: login, TLS, version, clock, max_connections against\n' +
    'the budget, limits of user and database, the mode and size of a pooler; and at Redis. Opens two sessions for each\n' +
    'pool, one pool after the other, and changes nothing. Exit code 0: nothing failed; 1: something did.',
  examples: [
    ['sluice doctor --config gateway.mjs', 'before the first start, on the machine that it is for'],
    ['sluice doctor --config gateway.mjs --strict --json', 'in a pipeline: warnings fail it as well'],
  ],
  options: {
    ...CONFIG_OPTION,
    json: { type: 'boolean', description: 'Print JSON.' },
    strict: { type: 'boolean', description: 'Fail on warnings, too.' },
  },
  run: async (args, io) => {
    const config = await givenConfig(args, io);
    const unheeded = checkLogins(config).map(({ pool, text }) => {
      const { found, remedy } = splitRemedy(text);
      return findingsAbout(`pool "${pool}"`).warning('url', found, remedy);
    });
    const findings = [...unheeded, ...(await examine(config, (what) => io.err(`sluice: looking at ${what}`)))];
    const bad = findings.some(({ state }) => state === 'failure' || (args.flag('strict') && state === 'warning'));
    const text = args.flag('json')
      ? JSON.stringify({ ok: !bad, findings }, undefined, 2)
      : formatFindings(findings, io.colours === true);
    io.out(text);
    return bad ? 1 : 0;
  },
};

/** One after the other, so that the looking itself needs no room. */
async function examine(config: GatewayConfig, progress: (what: string) => void): Promise<Finding[]> {
  const findings = checkHost(config, thisHost());
  const servers = new KnownServers(config);
  for (const pool of config.pools.values()) {
    progress(`pool "${pool.name}"`);
    findings.push(...(await checkPool(pool, config, servers)));
  }
  findings.push(...checkBudgets(config, servers));
  if (config.redisUrl === undefined) return findings;
  progress('redis');
  return [...findings, ...(await checkRedis(config.redisUrl))];
}
