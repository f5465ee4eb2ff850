import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Bench } from './bench.js';
import { SUITE } from './describe-contract.js';
import type { Engine } from './engine.js';
import { mysql } from './engines/mysql.js';
import { pgbouncer } from './engines/pgbouncer.js';
import { postgres } from './engines/postgres.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = readFileSync(`${here}README.md`, 'utf8');
const [tested = '', elsewhere = ''] = page.split('## What is tested elsewhere');

/** The ids in the titles of the suite. */
function idsOfSuite(): string[] {
  const texts = readdirSync(`${here}suite`).map((name) => readFileSync(`${here}suite/${name}`, 'utf8'));
  const titles = texts.flatMap((text) => [...text.matchAll(/bench\.test\(\s*'([^']+)'/g)].map(([, ids = '']) => ids));
  return [...new Set(titles.flatMap((ids) => ids.split(' ')))].sort();
}

/** The ids of the first column. */
function idsOfTable(text: string): string[] {
  return [...text.matchAll(/^\| ([A-Z][A-Z0-9, -]*?) \|/gm)].flatMap(([, ids = '']) => ids.split(', ')).sort();
}

/** Notes the titles of the suite instead of running it. */
class Titles extends Bench {
  readonly seen: string[] = [];

  override test(ids: string, title: string): void {
    this.seen.push(`${ids}: ${title}`);
  }
}

/** The tests that an engine runs, by their titles. */
function titlesOn(engine: Engine): string[] {
  const titles = new Titles(engine);
  for (const part of Object.values(SUITE)) part(titles);
  return titles.seen;
}

it('every engine runs the same tests, as many as the page says', () => {
  const titles = titlesOn(postgres);
  expect(new Set(titles).size).toBe(titles.length);
  expect(titlesOn(pgbouncer)).toEqual(titles);
  expect(titlesOn(mysql)).toEqual(titles);
  // One looks into the kernel, and so is there on Linux only.
  const count = titles.length + (process.platform === 'linux' ? 0 : 1);
  expect(Number(/Every engine runs the same (\d+) tests/.exec(page)?.[1])).toBe(count);
});

it('the page lists the ids that the suite tests, each once, and no others', () => {
  const ids = idsOfSuite();
  expect(ids.length).toBeGreaterThan(50);
  expect(idsOfTable(tested)).toEqual(ids);
});

it.each([postgres, pgbouncer, mysql])(
  'the page gives the reason for what cannot hold as it stands on $name, and for nothing else',
  (engine) => {
    const rows = [...page.matchAll(/^\| ([^|]+) \| ([A-Z][A-Z0-9, -]*) \| [^|]+ \|$/gm)];
    const excused = rows.filter(([, name]) => name === engine.name).flatMap(([, , ids = '']) => ids.split(', '));
    expect(excused.sort()).toEqual([...engine.lesserHere].sort());
    for (const id of excused) expect(idsOfSuite()).toContain(id);
  },
);

it('the page lists nothing as tested elsewhere that is tested here', () => {
  const others = idsOfTable(elsewhere);
  expect(others.length).toBeGreaterThan(20);
  expect(others.filter((id) => idsOfSuite().includes(id))).toEqual([]);
});
