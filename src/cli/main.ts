#!/usr/bin/env node
import { loadOneByOne } from './load-one-by-one.js';
import { runCli } from './run-cli.js';
import { terminalOf } from './terminal.js';

// The only file with effects of its own: it is the program. On SIGINT and SIGTERM it ends at once, as programs do.
const unread = new AbortController();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever reads wants no more, as `head` does: that is no failure.
  if (error.code === 'EPIPE') return unread.abort();
  process.stderr.write(`sluice: the output cannot be written: ${error.message}\n`);
  // A code that is set later must not hide it.
  process.on('exit', () => {
    process.exitCode = 1;
  });
});
// There is nobody left to tell.
process.stderr.on('error', () => {});
loadOneByOne();
process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  env: process.env,
  cwd: process.cwd(),
  nowMs: () => performance.now(),
  colours: process.stdout.isTTY === true && !process.env.NO_COLOR,
  terminal: terminalOf(process),
  unread: unread.signal,
});
// Not before all is written; and not only when nothing is left to do: a file of options may have opened what never ends.
for (const stream of [process.stdout, process.stderr]) await new Promise((written) => stream.write('', written));
process.exit();
