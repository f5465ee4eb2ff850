import { setTimeout as delay } from 'node:timers/promises';
import { wholeNumber } from '../arguments.js';
import { type Arguments, CliError, type CliIo, type Command, UsageError } from '../command.js';
import type { Reading } from './interval.js';
import { Screen } from './screen.js';
import { type SnapshotSource, snapshotSource } from './snapshot-source.js';
import { viewLines } from './view-text.js';

/** `sluice top`: a running gateway, live. */
export const topCommand: Command = {
  name: 'top',
  usage: '<url> [--header <line>]... [--interval-ms <n>] [--count <n>] [--json]',
  operand: '<url>',
  description:
    'Shows the pools and routes of a gateway from where operations() is mounted, again and again. Rates and times are\n' +
    'those since the last look; "shed by" is the code of most refusals, in brackets where mode observe would have shed;\n' +
    '"left/s" are clients that went away before they had a seat, and requests whose body could not be read.\n' +
    'Seats are in use/allowed, connections in use/open/at most.\n' +
    'Keys: q ends, s sorts the routes otherwise, p pauses. Without a terminal it prints one view after the other.\n' +
    'A gateway that goes away is said once (without a terminal on stderr), and asked again until it is back.\n' +
    'Ends with 0 after --count looks, failed ones included, at q, and when nobody reads on; with 1 when the first look\n' +
    'fails, with 2 for a wrong call; without a terminal, SIGINT and SIGTERM end it (130 and 143 in a shell).',
  examples: [
    ['sluice top http://127.0.0.1:3000/sluice', 'the example shop (npm start), in another terminal'],
    ["sluice top https://shop.example/sluice --header 'x-operator-key: …'", 'where authorize asks for a key'],
    ['sluice top http://127.0.0.1:3000/sluice --json --count 60 > minute.ndjson', 'a minute, a snapshot each line'],
  ],
  options: {
    header: {
      type: 'string',
      value: '<line>',
      multiple: true,
      description: 'A header for each request: "name: value".',
    },
    'interval-ms': { type: 'string', value: '<n>', description: 'Between two looks, 100 to 3600000. Default 1000.' },
    count: { type: 'string', value: '<n>', description: 'Ends after so many looks.' },
    json: { type: 'boolean', description: 'Print each snapshot as a line of JSON.' },
  },
  run: runTop,
};

async function runTop(args: Arguments, io: CliIo): Promise<number> {
  const address = args.operand;
  if (address === undefined) throw new UsageError('give the address of a gateway: sluice top http://host:port/sluice');
  const source = snapshotSource(address, args.all('header'));
  const intervalMs = wholeNumber(args, 'interval-ms', 1_000, { least: 100, most: 3_600_000 });
  const count =
    args.text('count') === undefined
      ? Number.POSITIVE_INFINITY
      : wholeNumber(args, 'count', 1, { least: 1, most: 3_600_000 });
  // A wrong address is told at once, and not on a screen that is gone afterwards.
  const first = await take(source, io);
  const { terminal } = io;
  if (args.flag('json') || terminal === undefined) return print(args, io, source, first, intervalMs, count);
  return new Screen({ io, terminal, source, intervalMs, count }).run(first);
}

/** One view after the other. */
async function print(
  args: Arguments,
  io: CliIo,
  source: SnapshotSource,
  first: Reading,
  intervalMs: number,
  count: number,
): Promise<number> {
  let before: Reading | undefined;
  let now: Reading | undefined = first;
  let last = first;
  for (let look = 1; ; look += 1) {
    if (now !== undefined) {
      const view = { where: source.where, now, before, sort: 'shed', columns: 160, colours: false } as const;
      io.out(args.flag('json') ? JSON.stringify(now.snapshot) : `${viewLines(view).join('\n')}\n`);
      last = now;
    }
    if (look >= count) return 0;
    await delay(intervalMs, undefined, { signal: io.unread }).catch(() => undefined);
    if (io.unread?.aborted) return 0;
    before = last;
    now = await takeIfThere(source, io, now !== undefined);
  }
}

/** Reads the figures; where they cannot be read, says so if `wasThere` and is `undefined`. */
async function takeIfThere(source: SnapshotSource, io: CliIo, wasThere: boolean): Promise<Reading | undefined> {
  try {
    const reading = await take(source, io);
    if (!wasThere) io.err(`sluice: ${source.where} answers again`);
    return reading;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (wasThere) io.err(`sluice: ${error.message}; trying again`);
    return undefined;
  }
}

/** Reads the figures now. */
async function take(source: SnapshotSource, io: CliIo): Promise<Reading> {
  const snapshot = await source.read();
  return { atMs: io.nowMs(), snapshot };
}
