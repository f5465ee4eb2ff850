import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ResultsFile, StoredSection } from '../../bench/results-file.js';
import { storeSection } from '../../bench/results-file.js';

interface Outcome {
  readonly ok: boolean;
  readonly line: string;
}
const script = '../../../.ci/readme-bench.mjs';
const { updateReadme } = (await import(script)) as {
  updateReadme(folder: URL, write: boolean): Promise<Outcome>;
};

const section: StoredSection = {
  takenAt: '2026-11-21T20:00:00.000Z',
  seed: 1,
  machine: { cpu: 'A chip', cores: 2, memoryGb: 8, platform: 'linux x64', node: 'v20.19.0' },
  conditions: {},
  tables: [{ title: 'Raw', columns: ['', 'requests/s'], rows: [['bare', '1|000']] }],
  checks: [{ text: 'over bare', value: 0.951234, bound: 0.92, kind: 'at least', unit: '' }],
  data: { third: 1 / 3 },
};

let folder: string;
let root: URL;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-readme-'));
  root = pathToFileURL(`${folder}/`);
  await mkdir(join(folder, 'test/bench/results'), { recursive: true });
  await mkdir(join(folder, 'examples/guides'), { recursive: true });
  await writeFile(join(folder, 'README.md'), 'top\n<!-- summary:start -->\nold\n<!-- summary:end -->\n');
  await writeFile(figures(), 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n');
});

afterEach(() => rm(folder, { recursive: true }));

const results = (): string => join(folder, 'test/bench/results');
const readme = (): Promise<string> => readFile(join(folder, 'README.md'), 'utf8');
const figures = (): string => join(folder, 'examples/guides/figures.md');
const guide = (): Promise<string> => readFile(figures(), 'utf8');

describe('the figures in the README and the guides', () => {
  it('are written from the results, and are stale once these change', async () => {
    await storeSection(results(), 'raw', section);
    expect(await updateReadme(root, false)).toMatchObject({ ok: false, line: expect.stringContaining('--write') });
    expect(await updateReadme(root, true)).toMatchObject({ ok: true });
    expect(await updateReadme(root, false)).toMatchObject({ ok: true });
    const text = await guide();
    expect(text).toMatch(/^before\n/);
    expect(text).toMatch(/\nafter\n$/);
    expect(text).toContain('| bare | 1\\|000 |');
    expect(text).toContain('| over bare | 0.951 | at least 0.92 | yes |');
    expect(text).not.toContain('old');
    expect(text).not.toContain('goodput.svg');

    const [check] = section.checks;
    await storeSection(results(), 'raw', { ...section, checks: check === undefined ? [] : [{ ...check, value: 0.9 }] });
    expect(await updateReadme(root, false)).toMatchObject({ ok: false });
    await updateReadme(root, true);
    expect(await guide()).toContain('| over bare | 0.9 | at least 0.92 | no |');
    expect(await readme()).toMatch(/^top\n[\s\S]*0 of 1 bars that were set before were reached; not: over bare\./);
  });

  it('need their markers, once each', async () => {
    await writeFile(join(folder, 'README.md'), 'nothing here\n');
    expect(await updateReadme(root, true)).toMatchObject({ ok: false, line: expect.stringContaining('summary:start') });
    expect(await readme()).toBe('nothing here\n');
  });

  it('stand in sentences of any guide, too, and one that was not measured is a mistake', async () => {
    await storeSection(results(), 'raw', section);
    const other = join(folder, 'examples/guides/other.md');
    await writeFile(other, 'It keeps <!-- figure: raw: over bare -->1<!-- end --> of it.\n');
    expect(await updateReadme(root, true)).toMatchObject({ ok: true, line: expect.stringContaining('other.md') });
    expect(await readFile(other, 'utf8')).toBe('It keeps <!-- figure: raw: over bare -->0.951<!-- end --> of it.\n');
    await writeFile(other, '<!-- figure: raw: under bare -->1<!-- end -->');
    await expect(updateReadme(root, false)).rejects.toThrow('no bar "under bare" in the section "raw"');
    await writeFile(other, '<!-- figure: rough: over bare -->1<!-- end -->');
    await expect(updateReadme(root, false)).rejects.toThrow('in the section "rough"');
  });

  it('say so in a sentence while their section was never run', async () => {
    const other = join(folder, 'examples/guides/other.md');
    await writeFile(other, 'It keeps <!-- figure: raw: over bare -->1<!-- end --> of it.\n');
    await updateReadme(root, true);
    expect(await readFile(other, 'utf8')).toContain('<!-- figure: raw: over bare -->not measured yet<!-- end -->');
  });
});

describe('storeSection', () => {
  it('keeps the sections that were not run, and shortens long fractions', async () => {
    await storeSection(results(), 'raw', section);
    await storeSection(results(), 'micro', section);
    const stored = JSON.parse(await readFile(join(results(), 'latest.json'), 'utf8')) as ResultsFile;
    expect(Object.keys(stored.sections)).toEqual(['raw', 'micro']);
    expect(stored.sections.raw?.data).toEqual({ third: 0.33333 });
  });
});
