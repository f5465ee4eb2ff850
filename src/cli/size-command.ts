import { advisePoolSize, type SizingAdvice } from '../core/sizing.js';
import { optionOf } from './arguments.js';
import { type Arguments, type Command, UsageError } from './command.js';
import { renderTable } from './table.js';

/** `sluice size`: how many connections a pool should have, and which bound says so. */
export const sizeCommand: Command = {
  name: 'size',
  usage: '--concurrent-requests <n> --operations-per-request <n> [options]',
  description:
    'Works out the connections of one instance: what the requests ask for (requests x operations x safety factor),\n' +
    'what the server can serve (3 to 5 connections a core), and what the budget leaves. The smallest bound wins.\n' +
    'It is advice: the size that you set is law, and only the budget refuses one.',
  examples: [
    [
      'sluice size --concurrent-requests 150 --operations-per-request 0.3',
      '150 requests at a time that wait mostly for other services',
    ],
    [
      'sluice size --concurrent-requests 400 --operations-per-request 1 --server-cores 8 --instances 4',
      'what the server bears is less than what is asked for',
    ],
  ],
  options: {
    'concurrent-requests': {
      type: 'string',
      value: '<n>',
      description: 'Requests of one instance that are served at a time.',
    },
    'operations-per-request': {
      type: 'string',
      value: '<n>',
      description: 'Database operations of one request that overlap on average; 0.3 where it waits mostly elsewhere.',
    },
    'safety-factor': { type: 'string', value: '<n>', description: 'Room for variation, at least 1. Default 1.5.' },
    'server-cores': { type: 'string', value: '<n>', description: 'Cores of the database server.' },
    instances: { type: 'string', value: '<n>', description: 'Instances that share the server. Default 1.' },
    'budget-share': { type: 'string', value: '<n>', description: 'Connections that the budget leaves to this pool.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  run: (args, io) => {
    const advice = adviseFrom(args);
    const instances = args.number('instances') ?? 1;
    io.out(args.flag('json') ? JSON.stringify(advice, undefined, 2) : describe(advice, instances));
    return 0;
  },
};

function adviseFrom(args: Arguments): SizingAdvice {
  try {
    return advisePoolSize({
      concurrentRequests: required(args, 'concurrent-requests'),
      operationsPerRequest: required(args, 'operations-per-request'),
      safetyFactor: args.number('safety-factor'),
      serverCores: args.number('server-cores'),
      instances: args.number('instances'),
      budgetShare: args.number('budget-share'),
    });
  } catch (error) {
    // It begins with the field, and whoever called knows the options.
    if (error instanceof RangeError) throw new UsageError(error.message.replace(/^\w+/, optionOf));
    throw error;
  }
}

function required(args: Arguments, name: string): number {
  const value = args.number(name);
  if (value === undefined) throw new UsageError(`give --${name} <n>`);
  return value;
}

function describe(advice: SizingAdvice, instances: number): string {
  const { demand, capacity, budget, recommended, binding, servedWell } = advice;
  const bounds: [name: string, value: string][] = [['demand', String(demand)]];
  if (capacity !== undefined) bounds.push(['capacity', `${capacity.low} to ${capacity.high}`]);
  if (budget !== undefined) bounds.push(['budget', String(budget)]);
  const rows = bounds.map(([name, value]) => [name, value, name === binding ? 'binds' : '']);
  const shown = `${renderTable(['bound', 'connections', ''], rows)}\n\nrecommended: ${recommended} (${binding})`;
  if (servedWell === undefined) return shown;
  const beyond = `${instances} instances with one connection each are more than the ${servedWell} that these cores serve well`;
  return `${shown}\n${beyond}: run fewer instances, or put a pooler in transaction mode before the server`;
}
