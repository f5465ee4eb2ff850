#!/usr/bin/env node
import { runCli } from './run-cli.js';

// The only file with an effect of its own: it is the program.
process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  env: process.env,
  cwd: process.cwd(),
  nowMs: () => performance.now(),
});
