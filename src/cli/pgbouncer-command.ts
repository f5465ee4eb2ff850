import type { GatewayConfig, PoolConfig } from '../config/config.js';
import { wholeNumber } from './arguments.js';
import { type Arguments, CliError, type Command, UsageError } from './command.js';
import { CONFIG_OPTION, givenConfig } from './given-config.js';
import { entryFor, isOnPostgres } from './pgbouncer-entry.js';
import { type PoolerPlan, pgbouncerIni } from './pgbouncer-ini.js';

const DEFAULTS = { maxConnections: 100, superuserReserved: 3, port: 6_432 } as const;

/** `sluice pgbouncer`: a configuration of PgBouncer for the pools of a gateway. */
export const pgbouncerCommand: Command = {
  name: 'pgbouncer',
  usage: '--config <file> [--max-connections <n>] [--json] [options]',
  description:
    'Reads the options of a gateway from a file and the environment, and prints a pgbouncer.ini for transaction mode\n' +
    'with an entry for each pool, sized by the same budget, and TLS to the server as the pools ask for it. URLs are\n' +
    'to lead to the server itself; pools with `admin` or `pooler: none` bypass the pooler, and so do those on\n' +
    'MySQL. Holds no password: those go into userlist.txt.',
  examples: [
    [
      'sluice pgbouncer --config gateway.mjs --max-connections 200 > pgbouncer.ini',
      'beside the gateway, for a server with 200 connections',
    ],
  ],
  options: {
    ...CONFIG_OPTION,
    'max-connections': {
      type: 'string',
      value: '<n>',
      description: 'max_connections of each server. Default 100.',
    },
    'superuser-reserved': {
      type: 'string',
      value: '<n>',
      description: 'superuser_reserved_connections of each server. Default 3.',
    },
    port: { type: 'string', value: '<n>', description: 'Port that the pooler listens on. Default 6432.' },
    json: { type: 'boolean', description: 'Print JSON: the entries, what bypasses the pooler, and the file as text.' },
  },
  run: async (args, io) => {
    const config = await givenConfig(args, io);
    if (config.pools.size === 0) throw new CliError('the configuration has no pools');
    const pools = [...config.pools.values()].filter(isOnPostgres);
    if (pools.length === 0) throw new CliError('the configuration has no pool on PostgreSQL, which PgBouncer is for');
    const listenPort = wholeNumber(args, 'port', DEFAULTS.port, { least: 1, most: 65_535 });
    const { text, problems, ...parts } = pgbouncerIni({
      pools: pools.map((pool) => entryFor(pool, listenPort, io)),
      elsewhere: [...config.pools.values()].filter((pool) => !isOnPostgres(pool)).map(({ name }) => name),
      instances: config.instances,
      ...serverRoom(args),
      reserve: config.budgetReserve,
      longestDeadlineMs: longestDeadlineMs(pools, config),
      listenPort,
    });
    if (problems.length > 0) {
      throw new CliError(
        problems.join('\n'),
        problems.map((remedy) => ({ where: 'pools', remedy })),
      );
    }
    io.out(args.flag('json') ? JSON.stringify({ listenPort, ...parts, ini: text }, undefined, 2) : text.trimEnd());
    return 0;
  },
};

/** @throws UsageError for a server that would have no connection for anybody else than its superusers. */
function serverRoom(args: Arguments): Pick<PoolerPlan, 'maxConnections' | 'superuserReserved'> {
  const { maxConnections: most, superuserReserved: reserved } = DEFAULTS;
  const maxConnections = wholeNumber(args, 'max-connections', most, { least: 1, most: 1_000_000 });
  const superuserReserved = wholeNumber(args, 'superuser-reserved', reserved, { least: 0, most: 1_000_000 });
  if (superuserReserved < maxConnections) return { maxConnections, superuserReserved };
  const shown = (name: string, value: number): string =>
    `--${name} is ${value}${args.text(name) === undefined ? ', its default' : ''}`;
  throw new UsageError(
    `${shown('superuser-reserved', superuserReserved)}, and ${shown('max-connections', maxConnections)}: the first has ` +
      'to be the smaller one; give both as the server has them (SHOW max_connections, SHOW superuser_reserved_connections)',
  );
}

function longestDeadlineMs(pools: readonly PoolConfig[], { routes }: GatewayConfig): number {
  const deadlines = [...routes.values()]
    .filter(({ pool }) => pools.some(({ name }) => name === pool))
    .map(({ deadlineMs }) => deadlineMs);
  return Math.max(1_000, ...deadlines);
}
