import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImports } from '../../../.ci/check-imports.mjs';

const script = fileURLToPath(new URL('../../../.ci/check-imports.mjs', import.meta.url));
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-imports-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Lays out `files` and returns what the check says of them, a line per fault. */
function check(files: Record<string, string>): string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return checkImports(root);
}

describe('imports point one way', () => {
  it('accepts every arrow of the layout', () => {
    const faults = check({
      'src/core/a.ts': "import type { ErrorCode } from '../errors.js';\nimport { b } from './b.js';",
      'src/pools/pg.ts': "import pg from 'pg';\nimport { rankOf } from '../core/priority.js';\nimport '../clock.js';",
      'src/gateway.ts': "import './pools/pg.js';\nimport './gateway/part.js';",
      'src/gateway/part.ts': "import '../admission/seats.js';",
      'src/index.ts': "export { createGateway } from './gateway.js';",
      'src/cli/size.ts': "import '../gateway.js';\nimport 'node:fs';",
      'middleware/index.ts': "import express from 'express';\nimport '../src/gateway.js';\nimport '../src/errors.js';",
      'examples/shop/main.ts': "import 'sluice';\nimport 'sluice/express';\nimport './app.js';\nimport 'whatever';",
      'examples/storm/main.ts': "import '../../test/load/plan.js';",
    });
    expect(faults).toEqual([]);
  });

  const wrong: [title: string, path: string, text: string, fault: RegExp][] = [
    ['siblings', 'src/pools/a.ts', "import '../breaker/b.js';", /pools must not know breaker/],
    ['a type of a sibling', 'src/pools/a.ts', "import type { B } from '../breaker/b.js';", /must not know breaker/],
    ['a type in passing', 'src/pools/a.ts', "type B = import('../breaker/b.js').B;", /must not know breaker/],
    ['a re-export', 'src/admission/a.ts', "export * from '../pools/b.js';", /admission must not know pools/],
    ['an import on demand', 'src/admission/a.ts', "void import('../pools/b.js');", /must not know pools/],
    ['upwards to the gateway', 'src/pools/a.ts', "import '../gateway.js';", /pools must not know gateway/],
    ['upwards through index', 'src/gateway.ts', "import './index.js';", /gateway must not know index/],
    ['the engine and Express', 'src/gateway.ts', "import type { Request } from 'express';", /only middleware may/],
    ['the engine and its middleware', 'src/index.ts', "import '../middleware/index.js';", /must not know middleware/],
    ['a driver outside its home', 'src/gateway.ts', "import pg from 'pg';", /imports pg: only pools may/],
    ['a package nobody declared', 'src/pools/a.ts', "import '@x/y/z';", /no room has this package/],
    ['an example that reaches inside', 'examples/a/b.ts', "import '../../src/gateway.js';", /use the public names/],
    ['an example that leans on a test', 'examples/a/b.ts', "import '../../test/support/c.js';", /use the public names/],
    ['a new room', 'src/utils/a.ts', '', /"utils" is no room/],
    ['the core and the clock', 'src/core/a.ts', "import '../clock.js';", /core must not know clock/],
    ['the core and I/O', 'src/core/a.ts', "import 'node:fs';", /the core does no I\/O/],
    ['the core and the date', 'src/core/a.ts', 'export const a = () => Date.now();', /line 1 uses Date/],
    ['the core and time', 'src/core/a.ts', '\nexport const a = () => performance.now();', /line 2 uses performance/],
    ['the core and globals', 'src/core/a.ts', 'export const a = globalThis.setTimeout;', /uses setTimeout/],
    ['the core and promises', 'src/core/a.ts', 'export type A = Promise<void>;', /uses Promise/],
    ['the core and async', 'src/core/a.ts', 'export const a = async () => {};', /uses async/],
    ['the core and chance', 'src/core/a.ts', 'export const a = Math.random();', /uses Math.random/],
  ];
  it.each(wrong)('refuses %s', (_title, path, text, fault) => {
    const faults = check({ [path]: text });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(fault);
    expect(faults[0]?.startsWith(`${path}: `)).toBe(true);
  });

  it('lets the core name a member like a global', () => {
    expect(check({ 'src/core/a.ts': 'export const a = (x: { process: 1 }) => x.process;' })).toEqual([]);
  });

  it('fails as a command, with the faults on stderr', () => {
    check({ 'src/pools/a.ts': "import '../breaker/b.js';" });
    const run = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    expect(run.stderr).toBe('src/pools/a.ts: imports ../breaker/b.js: pools must not know breaker\n');
    expect(run.status).toBe(1);
  });
});
