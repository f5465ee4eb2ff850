// Everything about the sources that a machine can judge without running them. All steps run, so that one visit to the
// output is enough; later steps read what `build` wrote.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;

const steps = [
  ['format and lint', bin('biome'), 'check', '--error-on-warnings', '--max-diagnostics=200', '--colors=off', '.'],
  ['types', bin('tsc'), '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', 'dist/.types.tsbuildinfo'],
  ['imports', process.execPath, '.ci/check-imports.mjs'],
  ['build', bin('tsc'), '-p', '.config/tsconfig.build.json'],
  ['package', bin('publint'), '--strict'],
  ['package types', bin('attw'), '--pack', '.', '--profile', 'esm-only', '--no-emoji', '--no-color'],
  ['package, as a stranger uses it', process.execPath, '.ci/packed-app.mjs'],
  ['guides: variables', process.execPath, '.ci/readme-table.mjs'],
  ['README and guides: figures', process.execPath, '.ci/readme-bench.mjs'],
  ['reference', bin('typedoc'), '--options', '.config/typedoc.json', '--emit', 'none'],
];

const failed = [];
for (const [name, command, ...args] of steps) {
  const startedAt = performance.now();
  const run = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (run.status === 0) {
    console.log(`ok      ${name} (${seconds} s)`);
    continue;
  }
  failed.push(name);
  console.log(`FAILED  ${name} (${seconds} s)`);
  console.log(run.error === undefined ? `${run.stdout}${run.stderr}` : run.error.message);
}
if (failed.length > 0) console.log(`${failed.length} of ${steps.length} checks failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
