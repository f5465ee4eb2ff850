// Everything about the sources that a machine can judge without running them. All steps run, so that one visit to the
// output is enough: those that read sources beside those that read, in this order, what `build` wrote.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;

const ofSources = [
  ['format and lint', bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=200', '--colors=off', '.'],
  ['types', bin('tsc'), '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', 'dist/.types.tsbuildinfo'],
  ['imports', process.execPath, '.ci/check-imports.mjs'],
  ['reference', bin('typedoc'), '--options', '.config/typedoc.json', '--emit', 'none'],
];
const ofWhatIsBuilt = [
  ['build', bin('tsc'), '-p', '.config/tsconfig.build.json'],
  ['package', bin('publint'), '--strict'],
  ['package types', bin('attw'), '--pack', '.', '--profile', 'esm-only', '--no-emoji', '--no-color'],
  ['package, as a stranger uses it', process.execPath, '.ci/packed-app.mjs'],
  ['guides: variables', process.execPath, '.ci/readme-table.mjs'],
  ['README and guides: figures', process.execPath, '.ci/readme-bench.mjs'],
];

const failed = (await Promise.all([ofSources, ofWhatIsBuilt].map(inTurn))).flat();
const all = ofSources.length + ofWhatIsBuilt.length;
if (failed.length > 0) console.log(`${failed.length} of ${all} checks failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs steps one after the other, and resolves to the names of those that failed. */
async function inTurn(steps) {
  const failed = [];
  for (const [name, command, ...args] of steps) {
    const startedAt = performance.now();
    const { status, output } = await run(command, args);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
    if (status === 0) continue;
    failed.push(name);
    console.log(output);
  }
  return failed;
}

/** Runs a program and resolves to its exit code and all that it said. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ status: undefined, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}
