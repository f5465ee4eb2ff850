import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { freePort } from '../../examples/support/free-port.js';
import { until } from '../integration/pools/pool-fixture.js';
import { foreignRequests, processorSeconds, scriptFigures, troublesOf } from './browser.js';
import { open, Stage } from './stage.js';

const stage = new Stage();

/** The cells of the row of a route, by the heads of their columns. */
async function routeRow(page: Page, route: string): Promise<Record<string, string>> {
  const heads = await page.locator('#routes-head th').allTextContents();
  const rows = page.locator('#routes tr').filter({ has: page.getByRole('rowheader', { name: route }) });
  const cells = await rows.locator('th, td').allTextContents();
  return Object.fromEntries(heads.map((head, index) => [head, cells[index] ?? '']));
}

test('shows what happens under load, cheaply, and breaks no rule of its policy', async () => {
  const board = await stage.board();
  const page = await stage.newPage();
  const troubles = troublesOf(page);
  const foreign = foreignRequests(page, board.origin);
  const load = board.load(300, 20);
  try {
    const answer = await page.goto(board.url);
    expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; /);
    await page.locator('#routes .bad', { hasText: '▲' }).first().waitFor();
    await page.locator('#refusals tr', { hasText: 'raise ratePerSecond or burst of that scope' }).first().waitFor();
    await page.locator('#charts canvas').first().waitFor();
    // A busy machine may do next to nothing for a second, and have its circuit open.
    await until(async () => Number((await routeRow(page, 'checkout'))['Admitted/s']) > 5);
    const checkout = await routeRow(page, 'checkout');
    expect(checkout.Service).toMatch(/^[\d.]+ · [\d.]+ · [\d.]+ m?s$/);
    expect(checkout['Time left']).toMatch(/ · [\d.]+ m?s$/);
    expect(await page.locator('[data-pool=checkout]').textContent()).toMatch(/limit 4 of 4.*Breaker[●▲■] \w+/);
    expect(await page.locator('#charts canvas').count()).toBe(5);
    const before = await processorSeconds(stage.browser);
    const beganMs = performance.now();
    await page.waitForTimeout(6_000);
    const share = ((await processorSeconds(stage.browser)) - before) / ((performance.now() - beganMs) / 1_000);
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
  const board = await stage.board();
  const page = await stage.newPage();
  await open(page, board);
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
  const { port } = new URL(stage.databaseUrl);
  const dead = await freePort();
  const board = await stage.board({ databaseUrl: stage.databaseUrl.replace(`:${port}/`, `:${dead}/`) });
  const page = await stage.newPage();
  await open(page, board);
  await page
    .locator('[data-pool=checkout]', { hasText: 'At faultthe server: the database cannot be reached: look at it' })
    .waitFor();
  await page.close();
});

test('survives a restart of the server', async () => {
  const board = await stage.board();
  const page = await stage.newPage();
  const troubles = troublesOf(page);
  await open(page, board);
  const { port } = new URL(board.origin);
  await board.close();
  await page.getByText(/■ (the server is shutting down|no answer from the server)/).waitFor();
  const again = await stage.board({ port: Number(port) });
  await page.getByText('● live').waitFor();
  await again.gateway.run('checkout', (handle) => handle.query('select 1'));
  await page
    .locator('#routes tr', { hasText: 'checkout' })
    .filter({ hasText: /· \d+ ms/ })
    .waitFor();
  expect(troubles).toEqual([]);
  await page.close();
});

/** A script after which the page takes itself for seen, or not. */
function becomes(state: 'hidden' | 'visible'): string {
  return `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'))`;
}

test('asks for no events where it is opened behind another page', async () => {
  const board = await stage.board();
  const page = await stage.newPage();
  await page.addInitScript(becomes('hidden'));
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(board.url);
  await page.getByText('nobody looks').waitFor();
  expect(asked).not.toContain('/ops/board/events');
  await page.evaluate(becomes('visible'));
  await page.getByText('● live').waitFor();
  await page.close();
});

test('says with what status it is turned away, and comes back', async () => {
  let allowed = true;
  const board = await stage.board({ operations: { authorize: () => allowed } });
  const page = await stage.newPage();
  await open(page, board);
  await page.evaluate(becomes('hidden'));
  allowed = false;
  await page.evaluate(becomes('visible'));
  await page.getByText('■ you may not look (status 403)').waitFor();
  await page.locator('#hold').click();
  expect(await page.locator('#status').textContent()).toContain('403');
  await page.locator('#hold').click();
  allowed = true;
  await page.evaluate(becomes('hidden'));
  await page.evaluate(becomes('visible'));
  await page.getByText('● live').waitFor();
  await page.evaluate(becomes('hidden'));
  await until(() => board.watchers() === 0);
  const crowd = new AbortController();
  const { signal } = crowd;
  await Promise.all(Array.from({ length: 50 }, () => fetch(`${board.url}/events`, { signal })));
  await page.evaluate(becomes('visible'));
  await page.getByText('■ status 503: the server is shutting down, too many look already').waitFor();
  crowd.abort();
  await page.getByText('● live').waitFor();
  await page.close();
});

test('is fed only while somebody looks', async () => {
  const board = await stage.board();
  const page = await stage.newPage();
  await open(page, board);
  // The event comes from the page itself: a headless browser never hides a page.
  const look = (state: 'hidden' | 'visible'): Promise<void> => page.evaluate(becomes(state));
  await look('hidden');
  await page.getByText('nobody looks').waitFor();
  await until(() => board.watchers() === 0);
  await look('visible');
  await page.getByText('● live').waitFor();
  expect(board.watchers()).toBe(1);
  await page.close();
  await until(() => board.watchers() === 0);
});
