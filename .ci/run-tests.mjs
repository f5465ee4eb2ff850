// Builds, runs the tests and ends with one plain line for people and machines: `N passed, N failed`.
// Tests of real servers that failed are tried once more, alone, and named. Arguments go to vitest, for example:
// npm test -- test/unit
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterSecondTry, countOf, filesToTryAgain } from './outcome.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const chosen = process.argv.slice(2);
const ownConfig = chosen.includes('--config');

if (!build()) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
await installPrograms();
const { passed, failed, complaints } = await runAll();
for (const complaint of complaints) console.log(complaint);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** What tests start beside Node; a suite with a configuration of its own starts nothing. */
async function installPrograms() {
  if (ownConfig) return;
  const { installMissing } = await import('../dist/test/support/programs.js');
  installMissing();
}

/** Tests of whole processes run what is in dist/. A suite with a configuration of its own has nothing to do with it. */
function build() {
  if (ownConfig) return true;
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const run = spawnSync(process.execPath, [tsc, '-p', '.config/tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  return run.status === 0;
}

async function runAll() {
  const partial = chosen.some((argument) => argument.startsWith('-t') || argument.startsWith('--testNamePattern'));
  const first = await runVitest(chosen);
  if (first === undefined) return noOutcome();
  const again = filesToTryAgain(first);
  if (again.length === 0) return countOf(first, partial);
  console.log(`trying again, alone: ${again.join(', ')}`);
  // One worker: what is left of bad luck is then its own. An option of that name yields to what a project sets.
  const one = { VITEST_MAX_WORKERS: '1' };
  const second = await runVitest([...chosen.filter((argument) => !isPath(argument)), ...again], one);
  if (second === undefined) return noOutcome();
  const merged = afterSecondTry(first, second);
  const counted = countOf(merged, partial);
  const named = merged.onlyThen.map((name) => `passed only on its second try: ${name}`);
  return { ...counted, complaints: [...named, ...counted.complaints] };
}

/** An argument that chooses files, and neither an option nor the value of one. */
function isPath(argument) {
  const before = chosen[chosen.indexOf(argument) - 1];
  return !argument.startsWith('-') && !before?.startsWith('-');
}

function noOutcome() {
  return { passed: 0, failed: 1, complaints: ['vitest ended before it could say what became of the tests'] };
}

/** @returns what {@link OutcomeReporter} wrote; `undefined` when vitest did not come to that. */
async function runVitest(args, added = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tests-'));
  const outcome = join(folder, 'outcome.json');
  const config = ownConfig ? [] : ['--config', '.config/vitest.config.ts'];
  const reporters = ['--reporter=default', `--reporter=${root}.ci/outcome-reporter.mjs`];
  const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', ...config, ...reporters, ...args];
  const env = { ...process.env, ...added, TEST_OUTCOME: outcome };
  const child = spawn(process.execPath, vitest, { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  await new Promise((resolve) => child.once('exit', resolve));
  try {
    return JSON.parse(readFileSync(outcome, 'utf8'));
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
