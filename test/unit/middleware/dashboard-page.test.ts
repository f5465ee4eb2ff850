import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { dashboardPage, dashboardPolicy } from '../../../middleware/dashboard/page.js';

test('has no part from outside and works under its own policy', () => {
  const page = dashboardPage('bm9uY2U=');
  expect(page).not.toMatch(/https?:|["'(]\/\/\w|@import|url\(/);
  expect(page).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function/);
  expect(page).not.toMatch(/\son\w+="|\sstyle="/);
  const inline = [...page.matchAll(/<(?:script|style)\b[^>]*>/g)].map((match) => match[0]);
  expect(inline).toEqual(['<style nonce="bm9uY2U=">', '<script nonce="bm9uY2U=">']);
  expect(dashboardPolicy('bm9uY2U=')).toContain(
    "default-src 'none'; style-src 'nonce-bm9uY2U='; script-src 'nonce-bm9uY2U='",
  );
});

test('has a script that can be read, and every place that it fills', () => {
  const page = dashboardPage('n1');
  const script = /<script nonce="n1">(.*)<\/script>/s.exec(page)?.[1] ?? '';
  expect(script.length).toBeGreaterThan(5_000);
  expect(() => new Script(script)).not.toThrow();
  const wanted = new Set([...script.matchAll(/\b(?:at|head)\('([\w-]+)'/g)].map((match) => match[1] ?? ''));
  expect(wanted.size).toBeGreaterThan(10);
  for (const id of wanted) expect(page, id).toContain(`id="${id}"`);
});

test.each(['', '"><script>', "a'; script-src *", 'a b'])('refuses the nonce %j', (nonce) => {
  expect(() => dashboardPage(nonce)).toThrow(/nonce/);
  expect(() => dashboardPolicy(nonce)).toThrow(/nonce/);
});
