import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../../.ci/run-tests.mjs', import.meta.url));
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-run-tests-'));
  writeFileSync(
    join(root, 'vitest.config.mjs'),
    "export default { test: { globals: true, pool: 'threads', include: ['*.case.mjs'] } };\n",
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs the test command over one file and returns its exit code and its last line. */
function runOver(text?: string): { status: number | null; lastLine: string | undefined; output: string } {
  if (text !== undefined) writeFileSync(join(root, 'one.case.mjs'), text);
  const { VITEST: _outer, ...env } = process.env;
  const args = [script, '--config', join(root, 'vitest.config.mjs'), '--root', root];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return { status: run.status, lastLine: run.stdout.trimEnd().split('\n').at(-1), output: run.stdout };
}

describe('the test command ends with an honest line', () => {
  const green = "test('a', () => {}); test('b', () => {});\n";
  const rows: [title: string, text: string | undefined, line: string, status: number][] = [
    ['all green', green, '2 passed, 0 failed', 0],
    ['a failed test', `${green}test('c', () => { throw new Error('no'); });`, '2 passed, 1 failed', 1],
    ['a skipped test', `${green}test.runIf(false)('c', () => {});`, '2 passed, 1 failed', 1],
    ['a file that does not load', "import './missing.mjs';", '0 passed, 1 failed', 1],
    ['an unhandled rejection', `${green}void Promise.reject(new Error('lost'));`, '2 passed, 1 failed', 1],
    ['no test at all', undefined, '0 passed, 1 failed', 1],
  ];
  it.each(rows)('%s', (_title, text, line, status) => {
    expect(runOver(text)).toMatchObject({ status, lastLine: line });
  });

  it('tries once more what failed, and names what passed only then', () => {
    const unlucky = `import { existsSync, writeFileSync } from 'node:fs';
      const before = ${JSON.stringify(join(root, 'before'))};
      test('unlucky', () => {
        if (existsSync(before)) return;
        writeFileSync(before, '');
        throw new Error('bad luck');
      });`;
    const { status, lastLine, output } = runOver(green + unlucky);
    expect({ status, lastLine }).toEqual({ status: 0, lastLine: '3 passed, 0 failed' });
    expect(output).toMatch(/passed only on its second try: .*one\.case\.mjs: unlucky/);
  });

  it('tries files again one after the other, whatever a project allows', () => {
    const log = join(root, 'workers');
    const unlucky = (name: string) => `import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
      const before = ${JSON.stringify(join(root, 'before-'))} + '${name}';
      test('unlucky', () => {
        if (existsSync(before)) return appendFileSync(${JSON.stringify(log)}, process.env.VITEST_POOL_ID);
        writeFileSync(before, '');
        throw new Error('bad luck');
      });`;
    const projects = "[{ test: { globals: true, include: ['*.case.mjs'], maxWorkers: 3 } }]";
    writeFileSync(join(root, 'vitest.config.mjs'), `export default { test: { projects: ${projects} } };\n`);
    writeFileSync(join(root, 'two.case.mjs'), unlucky('two'));
    expect(runOver(unlucky('one'))).toMatchObject({ status: 0, lastLine: '2 passed, 0 failed' });
    expect(readFileSync(log, 'utf8')).toBe('11');
  });

  it('counts an error outside of any test to the file that it came from, and tries that again', () => {
    const once = `import { existsSync, writeFileSync } from 'node:fs';
      const before = ${JSON.stringify(join(root, 'before'))};
      test('unlucky', () => {
        if (existsSync(before)) return;
        writeFileSync(before, '');
        void Promise.reject(new Error('lost'));
        throw new Error('bad luck');
      });`;
    expect(runOver(once)).toMatchObject({ status: 0, lastLine: '1 passed, 0 failed' });
    expect(runOver("test('a', () => {}); void Promise.reject(new Error('lost'));")).toMatchObject({ status: 1 });
  });
});
