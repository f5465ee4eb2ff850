import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { postgres } from './engines/postgres.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const [tested = '', elsewhere = ''] = readFileSync(`${here}README.md`, 'utf8').split('## What is tested elsewhere');

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

it('the page lists the ids that the suite tests, each once, and no others', () => {
  const ids = idsOfSuite();
  expect(ids.length).toBeGreaterThan(50);
  expect(idsOfTable(tested)).toEqual(ids);
});

it('the page lists nothing as tested elsewhere that is tested here, and gives the reason for what an engine leaves out', () => {
  const others = idsOfTable(elsewhere);
  expect(others.length).toBeGreaterThan(20);
  expect(others.filter((id) => idsOfSuite().includes(id))).toEqual([]);
  for (const id of postgres.notHere) expect(others).toContain(id);
});
