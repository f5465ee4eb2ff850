import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../examples/support/postgres-server.js';
import { type Board, startBoard } from './board.js';
import { foreignRequests, startBrowser, troublesOf } from './browser.js';

let postgres: PostgresServer;
let browser: Browser;
let board: Board;

beforeAll(async () => {
  [postgres, browser] = await Promise.all([startPostgres({ settings: { fsync: 'off' } }), startBrowser()]);
  board = await startBoard({ databaseUrl: postgres.url });
});

afterAll(async () => {
  await browser?.close();
  await board?.close();
  await postgres?.close();
});

/** The cells of the row of a route, by the heads of their columns. */
async function routeRow(page: Page, route: string): Promise<Record<string, string>> {
  const heads = await page.locator('#routes-head th').allTextContents();
  const rows = page.locator('#routes tr').filter({ has: page.getByRole('rowheader', { name: route }) });
  const cells = await rows.locator('th, td').allTextContents();
  return Object.fromEntries(heads.map((head, index) => [head, cells[index] ?? '']));
}

test('shows what happens under load, and breaks no rule of its policy', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const troubles = troublesOf(page);
  const foreign = foreignRequests(page, board.origin);
  const load = board.load(500, 20);
  try {
    const answer = await page.goto(board.url);
    expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; /);
    await page.locator('#routes .bad', { hasText: 'rate_limited' }).first().waitFor();
    await page.locator('#refusals tr').first().waitFor();
    await page.locator('#charts canvas').first().waitFor();
    const checkout = await routeRow(page, 'checkout');
    expect(Number(checkout['Admitted/s'])).toBeGreaterThan(5);
    expect(checkout.Service).toMatch(/^\d+ ms · \d+ ms · \d+ ms$/);
    expect(checkout['Time left']).toMatch(/ms/);
    expect(await page.locator('[data-pool=checkout]').textContent()).toMatch(/limit 4 of 4.*Breaker● closed/);
    expect(await page.locator('#charts canvas').count()).toBe(5);
    expect(troubles).toEqual([]);
    expect(foreign).toEqual([]);
  } finally {
    await load.stop();
    await page.close();
  }
});
