import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../examples/support/free-port.js';
import { type PostgresServer, startPostgres } from '../../examples/support/postgres-server.js';
import { until } from '../integration/pools/pool-fixture.js';
import { type Board, startBoard } from './board.js';
import { foreignRequests, processorSeconds, scriptFigures, startBrowser, troublesOf } from './browser.js';

let postgres: PostgresServer;
let browser: Browser;
let board: Board;

beforeAll(async () => {
  [postgres, browser] = await Promise.all([startPostgres({ settings: { fsync: 'off' } }), startBrowser()]);
});

afterEach(() => board?.close());

afterAll(async () => {
  await browser?.close();
  await postgres?.close();
});

/** A page of the size of a screen. */
function newPage(width = 1280): Promise<Page> {
  return browser.newPage({ viewport: { width, height: 900 } });
}

/** Opens the dashboard and waits until it is live. */
async function open(page: Page): Promise<void> {
  await page.goto(board.url);
  await page.getByText('● live').waitFor();
}

/** The cells of the row of a route, by the heads of their columns. */
async function routeRow(page: Page, route: string): Promise<Record<string, string>> {
  const heads = await page.locator('#routes-head th').allTextContents();
  const rows = page.locator('#routes tr').filter({ has: page.getByRole('rowheader', { name: route }) });
  const cells = await rows.locator('th, td').allTextContents();
  return Object.fromEntries(heads.map((head, index) => [head, cells[index] ?? '']));
}

test('shows what happens under load, cheaply, and breaks no rule of its policy', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage();
  const troubles = troublesOf(page);
  const foreign = foreignRequests(page, board.origin);
  const load = board.load(300, 20);
  try {
    const answer = await page.goto(board.url);
    expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; /);
    await page.locator('#routes .bad', { hasText: '▲' }).first().waitFor();
    await page.locator('#refusals tr', { hasText: 'raise ratePerSecond or burst of that scope' }).first().waitFor();
    await page.locator('#charts canvas').first().waitFor();
    const checkout = await routeRow(page, 'checkout');
    expect(Number(checkout['Admitted/s'])).toBeGreaterThan(5);
    expect(checkout.Service).toMatch(/^\d+ · \d+ · \d+ ms$/);
    expect(checkout['Time left']).toMatch(/ · \d+ ms$/);
    expect(await page.locator('[data-pool=checkout]').textContent()).toMatch(/limit 4 of 4.*Breaker● closed/);
    expect(await page.locator('#charts canvas').count()).toBe(5);
    const before = await processorSeconds(browser);
    const beganMs = performance.now();
    await page.waitForTimeout(6_000);
    const share = ((await processorSeconds(browser)) - before) / ((performance.now() - beganMs) / 1_000);
    const { heapMb } = await scriptFigures(page);
    console.log(`dashboard under load: ${heapMb.toFixed(1)} MB heap, ${(share * 100).toFixed(1)} % of a core`);
    expect(heapMb).toBeLessThan(60);
    expect(share).toBeLessThan(0.05);
    expect(troubles).toEqual([]);
    expect(foreign).toEqual([]);
  } finally {
    await load.stop();
    await page.close();
  }
});

test('names what is at fault, and the route that holds the seats', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage();
  await open(page);
  const card = page.locator('[data-pool=checkout]');
  await card.filter({ hasText: /At fault(not clear: \d+ requests ended: too few to tell|nothing)/ }).waitFor();
  for (let request = 0; request < 120; request += 1) {
    await board.gateway.run('checkout', (handle) => handle.query('select 1'));
  }
  const exports = Array.from({ length: 6 }, () =>
    board.gateway.run('export', (handle) => handle.query('select pg_sleep(0.5)')),
  );
  await Promise.all(exports);
  await card
    .filter({ hasText: /Seat hogroute "export" holds \d+ % of the seats' time with 5 % of the requests/ })
    .waitFor();
  await page.close();
});

test('says that the server is at fault when it cannot be reached', async () => {
  const { port } = new URL(postgres.url);
  const dead = await freePort();
  board = await startBoard({ databaseUrl: postgres.url.replace(`:${port}/`, `:${dead}/`) });
  const page = await newPage();
  await open(page);
  await page
    .locator('[data-pool=checkout]', { hasText: 'At faultthe server: the database cannot be reached: look at it' })
    .waitFor();
  await page.close();
});

test('survives a restart of the server', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage();
  const troubles = troublesOf(page);
  await open(page);
  const { port } = new URL(board.origin);
  await board.close();
  await page.getByText(/■ (the server is shutting down|no answer from the server)/).waitFor();
  board = await startBoard({ databaseUrl: postgres.url, port: Number(port) });
  await page.getByText('● live').waitFor();
  await board.gateway.run('checkout', (handle) => handle.query('select 1'));
  await page
    .locator('#routes tr', { hasText: 'checkout' })
    .filter({ hasText: /· \d+ ms/ })
    .waitFor();
  expect(troubles).toEqual([]);
  await page.close();
});

test('is fed only while somebody looks', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage();
  await open(page);
  // The event comes from the page itself: a headless browser never hides a page.
  const look = (state: 'hidden' | 'visible'): Promise<void> =>
    page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
  await look('hidden');
  await page.getByText('nobody looks').waitFor();
  await until(() => board.watchers() === 0);
  await look('visible');
  await page.getByText('● live').waitFor();
  expect(board.watchers()).toBe(1);
  await page.close();
  await until(() => board.watchers() === 0);
});

test('fits a narrow screen, and can be used without a mouse', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage(360);
  await open(page);
  await page.locator('#charts canvas').first().waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('▲ held').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('● live').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 27)');
  await page.close();
});

test('shows the whole of each table on the narrowest screen, each cell with what it is', async () => {
  board = await startBoard({ databaseUrl: postgres.url, operations: { authorize: () => true, allowChanges: true } });
  for (let request = 0; request < 8; request += 1) {
    await board.gateway.run('report', (handle) => handle.query('select 1')).catch(() => undefined);
  }
  const page = await newPage(320);
  await open(page);
  await page.locator('summary').click();
  await page.getByLabel(/^pools\.checkout\.max:/).waitFor();
  const refusal = page.locator('#refusals td', { hasText: /^rate_limited$/ }).first();
  await refusal.waitFor();
  // What is wider than its place, or out of sight.
  const cut = `[...document.querySelectorAll('.scroll, .scroll tr > *')].filter((part) =>
    part.scrollWidth > part.clientWidth + 1 || part.getBoundingClientRect().right > innerWidth).map((part) => part.outerHTML)`;
  expect(await page.evaluate(cut)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  const code = await refusal.boundingBox();
  const lineHeight = await refusal.evaluate('parseFloat(getComputedStyle(document.body).lineHeight)');
  expect(code?.height).toBeLessThan(Number(lineHeight) * 1.9);
  expect(await refusal.getAttribute('data-column')).toBe('Code');
  await page.close();
});

test('an operator changes a setting and takes it back', async () => {
  board = await startBoard({
    databaseUrl: postgres.url,
    operations: { authorize: () => true, allowChanges: true },
  });
  const page = await newPage();
  const troubles = troublesOf(page);
  await open(page);
  await page.locator('summary').click();
  const field = page.getByLabel(/^pools\.checkout\.max:/);
  await field.fill('9');
  await field.press('Enter');
  await page.getByText('■ pools.checkout.max is "9": use a whole number from 1 to 4').waitFor();
  // What is in force is shown again, and what was said of the refused value goes with the next, and with none.
  expect(await field.inputValue()).toBe('4');
  await field.fill('');
  expect(await page.locator('#change-result').textContent()).toBe('');
  await field.blur();
  expect(await field.inputValue()).toBe('4');
  await field.press('Enter');
  await page.getByText('● pools.checkout.max is 4 already').waitFor();
  expect(board.gateway.liveChanges.history()).toEqual([]);
  await field.fill('2');
  expect(await page.locator('#change-result').textContent()).toBe('');
  await field.press('Enter');
  await page.locator('#config tr', { hasText: 'pools.checkout.max' }).filter({ hasText: 'live' }).waitFor();
  await page.locator('[data-pool=checkout]').filter({ hasText: 'Granted2 of 2' }).waitFor();
  expect(board.gateway.snapshot().pools[0]?.connections.max).toBe(2);
  await page.getByRole('button', { name: 'Undo pools.checkout.max to 2' }).click();
  await page.getByText('● pools.checkout.max is 4 again').waitFor();
  expect(board.gateway.snapshot().pools[0]?.connections.max).toBe(4);
  for (const [path, value] of [
    ['ratePerSecond', '4000'],
    ['routes.report.perCaller.burst', '7'],
    ['mode', 'observe'],
  ] as const) {
    const rate = page.getByLabel(new RegExp(`^${path}:`));
    await rate.fill(value);
    await rate.press('Enter');
    await page.getByText(`● ${path} is ${value} now`).waitFor();
    if (path === 'mode') await page.locator('#facts', { hasText: 'mode observe' }).waitFor();
    await page.getByRole('button', { name: `Undo ${path} to ${value}` }).click();
    await page.getByText(`● ${path} is `).filter({ hasText: 'again' }).waitFor();
  }
  expect(troubles).toEqual([]);
  await page.close();
});

test('shows nothing to change where changes are not allowed, and no secret', async () => {
  board = await startBoard({ databaseUrl: postgres.url });
  const page = await newPage();
  await open(page);
  await page.locator('summary').click();
  await page.getByRole('rowheader', { name: 'pools.checkout.url' }).waitFor();
  expect(await page.locator('#config input').count()).toBe(0);
  expect(await page.locator('#changes-box').isHidden()).toBe(true);
  const password = new URL(postgres.url).password;
  expect(password.length).toBeGreaterThan(5);
  expect(await page.content()).not.toContain(password);
  await page.close();
});
