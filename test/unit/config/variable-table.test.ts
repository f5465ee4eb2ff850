import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeConfig } from '../../../src/config/describe.js';
import { resolveConfig } from '../../../src/config/resolve.js';
import { variableTable } from '../../../src/config/variable-table.js';
import { SERVER } from './support.js';

describe('the table of variables', () => {
  const rows = variableTable()
    .split('\n')
    .filter((line) => line.startsWith('| `'));

  it('has a row for every variable of a gateway with one pool and one route', () => {
    const perCaller = { key: () => undefined, ratePerSecond: 1 };
    const config = resolveConfig({ pools: { name: { url: SERVER } }, routes: { name: { perCaller } } }, {});
    const known = describeConfig(config).map(({ name }) => `\`${name.replace('_NAME_', '_<NAME>_')}\``);
    // The gateway's own applicationName holds the word as well.
    const listed = rows.map((row) => row.split(' | ')[0]?.slice(2));
    expect(listed).toEqual(known.map((name) => name.replace('APPLICATION_<NAME>_', 'APPLICATION_NAME_')));
  });

  it('says what each allows, its default and its meaning', () => {
    const texts = new Map(rows.map((row) => [row.split('`')[1], row]));
    expect(texts.get('SLUICE_POOL_<NAME>_MAX')).toBe(
      '| `SLUICE_POOL_<NAME>_MAX` | `pools.<name>.max` | a whole number from 1 to 1000 | `10` | Connections at most. |',
    );
    expect(texts.get('SLUICE_POOL_<NAME>_URL')).toContain('| `DATABASE_URL` |');
    expect(texts.get('SLUICE_BUDGET_HEADERS')).toContain('| `x-request-timeout-ms` |');
    for (const row of rows) {
      const cells = row.split(/(?<!\\) ?\| ?/).slice(1, -1);
      expect(cells).toHaveLength(5);
      expect(cells.filter((cell) => cell === '' || cell.includes('undefined'))).toEqual([]);
    }
  });
});

interface Outcome {
  readonly ok: boolean;
  readonly line: string;
}
interface Script {
  readonly TABLE_FILE: string;
  withTable(readme: string, table: string): string | undefined;
  updateReadme(folder: URL, table: string, write: boolean): Promise<Outcome>;
}

describe('the guide to the configuration', () => {
  const START = '<!-- variables:start -->';
  const END = '<!-- variables:end -->';
  let script: Script;
  let folder: string;

  beforeEach(async () => {
    script = await import(new URL('../../../.ci/readme-table.mjs', import.meta.url).href);
    folder = await mkdtemp(join(tmpdir(), 'sluice-readme-'));
    await mkdir(dirname(readme()), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const update = (write: boolean): Promise<Outcome> =>
    script.updateReadme(pathToFileURL(`${folder}/`), variableTable(), write);
  const readme = (): string => join(folder, script.TABLE_FILE);

  it('is found stale, is written, and is then up to date', async () => {
    await writeFile(readme(), `# Sluice\n\n${START}\nold\n${END}\n\nafter\n`);
    expect(await update(false)).toMatchObject({ ok: false, line: expect.stringContaining('is stale') });
    expect(await update(true)).toMatchObject({ ok: true });
    expect(await readFile(readme(), 'utf8')).toBe(`# Sluice\n\n${START}\n\n${variableTable()}\n\n${END}\n\nafter\n`);
    expect(await update(false)).toMatchObject({ ok: true });
    await writeFile(readme(), (await readFile(readme(), 'utf8')).replace('`enforce`', '`off`'));
    expect(await update(false)).toMatchObject({ ok: false });
  });

  it('must be there, with each marker once and in order', async () => {
    expect(await update(true)).toEqual({ ok: false, line: `${script.TABLE_FILE} is missing` });
    for (const text of ['', START, END, `${END}${START}`, `${START}${END}${END}`, `${START}${START}${END}`]) {
      await writeFile(readme(), text);
      expect(await update(true)).toMatchObject({ ok: false, line: expect.stringContaining('once each') });
      expect(await readFile(readme(), 'utf8')).toBe(text);
    }
  });

  it('takes a table with characters that a replacement pattern would change', () => {
    expect(script.withTable(`${START}${END}`, "a $& $1 $' b")).toBe(`${START}\n\na $& $1 $' b\n\n${END}`);
  });
});
