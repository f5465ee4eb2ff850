import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArguments } from '../../src/cli/arguments.js';
import { COMMANDS } from '../../src/cli/commands.js';
import { codeBlocks, faultsOf, ROOT, readPages } from './documents.js';

const pages = readPages();
const shellLines = codeBlocks(pages, 'sh').flatMap(({ code }) => code.split('\n'));

describe('the README and the guides', () => {
  it('show code that compiles', () => {
    const blocks = codeBlocks(pages, 'ts');
    expect(blocks.length).toBeGreaterThan(8);
    const faults = faultsOf(blocks.map(({ code }) => code));
    expect(blocks.map(({ page }, index) => [page, faults[index]])).toEqual(blocks.map(({ page }) => [page, []]));
  });

  it('name commands and scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { scripts: Record<string, string> };
    const text = pages.map((page) => page.text).join('\n');
    const named = [...text.matchAll(/npm (?:run )?([a-z]+)/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !['ci', 'install', ...Object.keys(scripts)].includes(name))).toEqual([]);
  });

  it('name programs of the examples that exist', () => {
    const text = pages.map((page) => page.text).join('\n');
    const named = [...text.matchAll(/node dist\/(examples\/[\w/-]+)\.js/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((name) => !existsSync(`${ROOT}${name}.ts`))).toEqual([]);
  });

  it('call the command line as it can be called', async () => {
    const given = shellLines.flatMap((line) => {
      const [, name = '', rest = ''] = /npx sluice (\w+)([^#>]*)/.exec(line) ?? [];
      return name === '' ? [] : [{ name, args: rest.trim().split(/\s+/) }];
    });
    expect(given.length).toBeGreaterThan(5);
    for (const { name, args } of given) {
      const command = COMMANDS.find((each) => each.name === name);
      if (command === undefined) throw new Error(`no command ${name}`);
      readArguments(await command.load(), args);
    }
  });

  it('name variables that exist', () => {
    const table = pages.find(({ path }) => path.endsWith('configuration.md'))?.text ?? '';
    const fields = [...table.matchAll(/^\| `SLUICE_(?:(POOL|ROUTE)_<NAME>_)?(\w+)`/gm)];
    const known = (variable: string): boolean =>
      fields.some(([, kind, field]) =>
        kind === undefined
          ? variable === `SLUICE_${field}`
          : variable.startsWith(`SLUICE_${kind}_`) && variable.endsWith(`_${field}`),
      );
    const named = pages.flatMap(({ text }) => [...text.matchAll(/\bSLUICE_[A-Z_]+[A-Z]\b/g)].map(([name]) => name));
    expect(fields.length).toBeGreaterThan(50);
    expect([...new Set(named)].filter((name) => !/_(?:POOL|ROUTE)$/.test(name) && !known(name))).toEqual([]);
  });

  it('link to files that exist', () => {
    const links = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, link = '']) => posix.join(posix.dirname(path), link)),
    );
    expect(links).toContain('CHANGELOG.md');
    expect(links.filter((link) => !existsSync(`${ROOT}${link}`))).toEqual([]);
  });

  it('can all be reached from the README', () => {
    const readme = pages.find(({ path }) => path === 'README.md')?.text ?? '';
    expect(pages.filter(({ path }) => path !== 'README.md' && !readme.includes(`](${path})`))).toEqual([]);
  });
});
