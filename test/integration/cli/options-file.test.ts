import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Folder } from '../../support/captured.js';
import { endOf, start } from './programs.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const REMEDY = 'export the options of the gateway as default';

describe('a file that gives no options', () => {
  it.each<[file: string, text: string | undefined, told: string]>([
    ['absent.mjs', undefined, 'cannot be read: there is no such file; correct its name'],
    ['absent.ts', undefined, 'cannot be read: there is no such file; correct its name'],
    ['absent.json', undefined, 'cannot be read: there is no such file; correct its name'],
    ['empty.mjs', '', `has no default export: ${REMEDY}, as createGateway takes them`],
    ['call.mjs', 'export default () => ({});', `exports a function: call it there, and ${REMEDY}`],
    ['call.cjs', 'module.exports = async () => ({});', `exports a function: call it there, and ${REMEDY}`],
    ['call.ts', 'export default (): object => ({});', `exports a function: call it there, and ${REMEDY}`],
    ['late.mjs', 'export default Promise.resolve(7);', `exports a number: ${REMEDY}, an object`],
    ['map.mjs', 'export default new Map();', `exports a Map: ${REMEDY}, an object`],
    ['null.mjs', 'export default null;', `exports null: ${REMEDY}, an object`],
    ['symbol.mjs', 'export default Symbol();', `exports a symbol: ${REMEDY}, an object`],
    ['text.json', '"postgres://app:hidden@db/shop"', 'holds a string: give the options of the gateway, an object'],
    ['made.mjs', 'export default { snapshot() {} };', `exports a gateway, and not what it is made of: ${REMEDY}`],
  ])('%s is told of', async (file, text, told) => {
    if (text !== undefined) folder.write(file, text);
    const { code, out, err } = await folder.call(['config', '-c', file]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^sluice: [^\n]+$/);
    expect(err).toContain(`${file} ${told}`);
    expect(err).not.toContain('hidden');
  });

  it('is told of where it is a folder', async () => {
    for (const name of ['folder.mjs', 'folder.json']) {
      mkdirSync(join(folder.path, name));
      const { code, err } = await folder.call(['config', '-c', name]);
      expect([code, err]).toEqual([
        1,
        expect.stringMatching(/folder\.\w+ cannot be read: it is a folder; name a file in it$/),
      ]);
    }
  });

  it('takes the options that a promise brings', async () => {
    folder.write('late.mjs', 'export default Promise.resolve({ routes: { a: { deadlineMs: 77 } } });');
    const { code, out } = await folder.call(['config', '-c', 'late.mjs']);
    expect(code).toBe(0);
    expect(out).toMatch(/^SLUICE_ROUTE_A_DEADLINE_MS +77 +code$/m);
  });

  it.each(['fails.mjs', 'fails.ts'])('is told of in one line where its promise fails: %s', async (name) => {
    const file = join(folder.path, folder.write(name, "export default Promise.reject(new Error('no vault'));"));
    expect(await endOf(start(['config', '-c', file]))).toEqual({
      code: 1,
      out: '',
      err: `sluice: ${file} cannot be read: no vault\n`,
    });
  });
});

describe('a file that throws', () => {
  it.each(['throws.mjs', 'throws.cjs', 'throws.ts'])('tells no password of what it threw: %s', async (name) => {
    folder.write(name, "throw new Error('no server at postgres://app:Zq7@db:5432/shop');");
    for (const form of [[], ['--json']]) {
      const { code, out, err } = await folder.call(['config', '-c', name, ...form]);
      expect(code).toBe(1);
      expect(err).toContain(`${name} cannot be read: no server at postgres://app:***@db:5432/shop`);
      expect(out + err).not.toContain('Zq7');
    }
  });
});

describe('a file that does more than to export', () => {
  const options = 'export default { routes: { a: { deadlineMs: 77 } } };';

  it.each(['greets.mjs', 'greets.ts'])('prints among the errors, and spoils no JSON: %s', async (name) => {
    const file = join(folder.path, folder.write(name, `console.log('hello');\n${options}`));
    const { code, out, err } = await endOf(start(['config', '-c', file, '--json']));
    expect([code, err]).toEqual([0, 'hello\n']);
    expect(JSON.parse(out)).toBeTypeOf('object');
  });

  it.each(['ends.mjs', 'ends.ts'])('is told of where it ends the process: %s', async (name) => {
    const file = join(folder.path, folder.write(name, `process.exit(0);\n${options}`));
    expect(await endOf(start(['doctor', '-c', file]))).toEqual({
      code: 1,
      out: '',
      err: `sluice: ${file} ended the process while it was loaded; let it export the options and return\n`,
    });
  });
});

describe('a file of options that never finishes loading', () => {
  it.each([
    ['hang.mjs', 'await new Promise(() => {}); export default {};'],
    ['hang.ts', 'await new Promise<void>(() => {}); export default {};'],
    ['promise-hang.mjs', 'export default new Promise(() => {});'],
  ])('is named: %s', async (name, text) => {
    const file = join(folder.path, folder.write(name, text));
    for (const command of ['config', 'doctor']) {
      const { code, err } = await endOf(start([command, '-c', file]));
      expect([command, code, err]).toEqual([
        command,
        1,
        expect.stringMatching(
          /^sluice: \S+hang\.(?:mjs|ts) does not finish loading: an "await" .*; let it export the options/,
        ),
      ]);
    }
  });
});
