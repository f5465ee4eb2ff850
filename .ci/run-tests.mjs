// Builds, runs the tests and ends with one plain line for people and machines: `N passed, N failed`.
// Arguments go to vitest, for example: npm test -- test/unit
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-tests-'));
const report = join(folder, 'report.json');
const chosen = process.argv.slice(2);

if (!build()) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
await installPrograms();
const code = await runVitest();
const { passed, failed, complaints } = count();
rmSync(folder, { recursive: true, force: true });
for (const complaint of complaints) console.log(complaint);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** What tests start beside Node; a suite with a configuration of its own starts nothing. */
async function installPrograms() {
  if (chosen.includes('--config')) return;
  const { installMissing } = await import('../dist/test/support/programs.js');
  installMissing();
}

/** Tests of whole processes run what is in dist/. A suite with a configuration of its own has nothing to do with it. */
function build() {
  if (chosen.includes('--config')) return true;
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const run = spawnSync(process.execPath, [tsc, '-p', '.config/tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  return run.status === 0;
}

function runVitest() {
  const config = chosen.includes('--config') ? [] : ['--config', '.config/vitest.config.ts'];
  const args = ['run', ...config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [`${root}node_modules/vitest/vitest.mjs`, ...args, ...chosen], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('exit', (status) => resolve(status ?? 1)));
}

/** Counts from vitest's report, and every way to look green without being green as a failure. */
function count() {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, complaints: ['vitest wrote no report: it ended before the tests did'] };
  }
  const complaints = [];
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  for (const file of broken) complaints.push(`${file.name} failed outside of its tests`);
  const skipped = results.numPendingTests + results.numTodoTests;
  const partial = chosen.some((argument) => argument.startsWith('-t') || argument.startsWith('--testNamePattern'));
  if (skipped > 0 && !partial) complaints.push(`${skipped} tests did not run; a skipped test counts as failed`);
  if (results.numTotalTests === 0) complaints.push('no test ran');
  let failed = results.numFailedTests + broken.length;
  if (!partial) failed += skipped;
  if (failed === 0 && results.numTotalTests === 0) failed = 1;
  if (failed === 0 && code !== 0) {
    complaints.push('vitest failed although no test did: see the errors above');
    failed = 1;
  }
  return { passed: results.numPassedTests, failed, complaints };
}
