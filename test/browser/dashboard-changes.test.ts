import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../integration/pools/pool-fixture.js';
import type { Board } from './board.js';
import { open, Stage } from './stage.js';

const stage = new Stage();
const operations = { authorize: () => true, allowChanges: true };
const OPERATOR = { operations };

/** The field of a setting. */
const fieldOf = (page: Page, path: string) => page.getByLabel(new RegExp(`^${path.replaceAll('.', '\\.')}:`));

/** What a keyboard would write to. */
const focused = (page: Page): Promise<string> =>
  page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.tagName");

/** Sets something, as another operator would. */
async function changeElsewhere(board: Board, path: string, value: number): Promise<void> {
  const { changes } = (await (await fetch(`${board.url}/config.json`)).json()) as { changes: { run: string } };
  const answer = await fetch(`${board.url}/changes`, {
    method: 'POST',
    headers: { 'X-Sluice-Change': '1', 'Content-Type': 'application/json' },
    body: JSON.stringify({ path, value, run: changes.run }),
  });
  expect(answer.status).toBe(200);
}

/** The dashboard with its configuration unfolded. */
async function openConfig(board: Board): Promise<Page> {
  const page = await stage.newPage();
  await open(page, board);
  await page.locator('summary').click();
  await fieldOf(page, 'mode').waitFor();
  return page;
}

/** Ends the application, and starts it anew in the same place once the page knows. */
async function restart(board: Board, page: Page): Promise<Board> {
  await board.close();
  await page.getByText(/■ (the server is shutting down|no answer from the server)/).waitFor();
  return stage.board({ ...OPERATOR, port: Number(new URL(board.origin).port) });
}

test('keeps what is typed in and where somebody is, whatever is changed meanwhile', async () => {
  const board = await stage.board(OPERATOR);
  const page = await openConfig(board);
  const unsent = fieldOf(page, 'routes.report.deadlineMs');
  await unsent.fill('1234');
  await changeElsewhere(board, 'routes.report.deadlineMs', 700);
  await page.getByText('in force: 700').waitFor();
  expect([await unsent.inputValue(), await focused(page)]).toEqual(['1234', expect.stringMatching(/^routes\.report/)]);
  const field = fieldOf(page, 'pools.checkout.max');
  await field.fill('2');
  await field.press('Enter');
  await page.getByText('● pools.checkout.max is 2 now').waitFor();
  expect([await field.inputValue(), await focused(page)]).toEqual([
    '2',
    expect.stringMatching(/^pools\.checkout\.max/),
  ]);
  const undo = page.getByRole('button', { name: 'Undo pools.checkout.max to 2' });
  await undo.focus();
  await changeElsewhere(board, 'routes.checkout.deadlineMs', 400);
  await page.getByRole('button', { name: 'Undo routes.checkout.deadlineMs to 400' }).waitFor();
  expect(await focused(page)).toBe('Undo pools.checkout.max to 2');
  await undo.press('Enter');
  await page.getByText('● pools.checkout.max is 4 again').waitFor();
  expect([await field.inputValue(), await focused(page)]).toEqual([
    '4',
    expect.stringMatching(/^pools\.checkout\.max/),
  ]);
  expect(await unsent.inputValue()).toBe('1234');
  await page.close();
});

test('shows after a restart what holds there, and keeps its hands off the changes of others', async () => {
  const board = await stage.board(OPERATOR);
  const page = await openConfig(board);
  const field = fieldOf(page, 'pools.checkout.max');
  await field.fill('3');
  await field.press('Enter');
  const undo = page.getByRole('button', { name: 'Undo pools.checkout.max to 3' });
  await undo.waitFor();
  // So that the page has its old list still, as one that is slow to hear of the restart.
  await page.route('**/config.json', (route) => route.abort());
  const kept = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/config.json'));
  const again = await restart(board, page);
  again.gateway.liveChanges.set('routes.checkout.deadlineMs', 400);
  await page.getByText('● live').waitFor();
  await kept;
  await field.fill('2');
  await field.press('Enter');
  await page.getByText(/■ Nothing was changed: the settings that you saw are of another process/).waitFor();
  expect(await field.inputValue()).toBe('2');
  await page.unroute('**/config.json');
  await undo.click();
  await page.getByText(/■ Nothing was undone: .* The list was read again\./).waitFor();
  expect(again.gateway.liveChanges.history()).toMatchObject([{ id: 1, undone: false, to: 400 }]);
  expect(await undo.count()).toBe(0);
  await page.getByRole('button', { name: 'Undo routes.checkout.deadlineMs to 400' }).waitFor();
  // What was typed in is still there, and goes to whom the list is of now.
  await field.press('Enter');
  await page.getByText('● pools.checkout.max is 2 now').waitFor();
  await page.close();
});

test('reads the configuration anew with each connection, and with each change by the application itself', async () => {
  const board = await stage.board(OPERATOR);
  const page = await openConfig(board);
  const field = fieldOf(page, 'routes.checkout.deadlineMs');
  await field.fill('400');
  await field.press('Enter');
  await page.getByText('● routes.checkout.deadlineMs is 400 now').waitFor();
  const again = await restart(board, page);
  await until(async () => (await field.inputValue()) === '500');
  again.gateway.liveChanges.set('routes.checkout.deadlineMs', 300);
  await until(async () => (await field.inputValue()) === '300');
  await field.fill('500');
  await field.press('Enter');
  await page.getByText('● routes.checkout.deadlineMs is 500 now').waitFor();
  expect(again.gateway.liveChanges.settings()).toContainEqual(
    expect.objectContaining({ path: 'routes.checkout.deadlineMs', value: 500 }),
  );
  await page.close();
});

test('offers no change that would be refused, and says why', async () => {
  const board = await stage.board({ ...OPERATOR, decisionLogRecords: 100 });
  const page = await stage.newPage();
  await open(page, board);
  await page.locator('summary').click();
  await page
    .getByText(/^Nothing can be changed while the server runs: a replay decides by .* set decisionLogRecords to 0/)
    .waitFor();
  await page.getByRole('rowheader', { name: 'pools.checkout.max', exact: true }).waitFor();
  expect(await page.getByRole('button', { name: 'Set' }).count()).toBe(0);
  expect(await page.getByText('Changes since the start').isVisible()).toBe(false);
  await page.close();
});
