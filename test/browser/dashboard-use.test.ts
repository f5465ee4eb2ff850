import { expect, test } from 'vitest';
import { JumpClock } from '../integration/gateway/jump-clock.js';
import { until } from '../integration/pools/pool-fixture.js';
import { troublesOf } from './browser.js';
import { open, Stage } from './stage.js';

const stage = new Stage();

test('fits a narrow screen, and can be used without a mouse', async () => {
  const board = await stage.board();
  const page = await stage.newPage(360);
  await open(page, board);
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
  const board = await stage.board({ operations: { authorize: () => true, allowChanges: true } });
  for (let request = 0; request < 8; request += 1) {
    await board.gateway.run('report', (handle) => handle.query('select 1')).catch(() => undefined);
  }
  const page = await stage.newPage(320);
  await open(page, board);
  await page.locator('summary').click();
  await page.getByLabel(/^pools\.checkout\.max:/).fill('3');
  await page.getByText('in force: 4').waitFor();
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
  const board = await stage.board({
    operations: { authorize: () => true, allowChanges: true },
  });
  const page = await stage.newPage();
  const troubles = troublesOf(page);
  await open(page, board);
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
  const board = await stage.board();
  const page = await stage.newPage();
  await open(page, board);
  await page.locator('summary').click();
  await page.getByRole('rowheader', { name: 'pools.checkout.url' }).waitFor();
  expect(await page.locator('#config input').count()).toBe(0);
  expect(await page.locator('#changes-box').isHidden()).toBe(true);
  const password = new URL(stage.databaseUrl).password;
  expect(password.length).toBeGreaterThan(5);
  expect(await page.content()).not.toContain(password);
  await page.close();
});

test('asks again where whether it may look was never answered', async () => {
  const clock = new JumpClock();
  let asked = 0;
  // The page itself may be looked at; the first question for its events is never answered.
  const authorize = ({
    path,
    method,
  }: {
    readonly path: string;
    readonly method: string;
  }): boolean | Promise<boolean> => {
    if (path !== '/events' || method !== 'GET') return true;
    asked += 1;
    return asked > 1 || new Promise(() => undefined);
  };
  const board = await stage.board({ clock, operations: { authorize } });
  const page = await stage.newPage();
  await page.goto(board.url);
  await until(() => asked === 1);
  clock.jump(10_001);
  await page.getByText('● live').waitFor();
  expect(asked).toBe(2);
  await page.close();
});

test('shows who left before a seat was free, beside what was shed', async () => {
  const board = await stage.board();
  const page = await stage.newPage();
  await open(page, board);
  const shown = page.locator('#routes tr', { hasText: 'report' }).getByText(/left before their seat: [0-9.]+/);
  await until(async () => {
    // More than there are seats, and all of them leave.
    const leaving = new AbortController();
    const calls = Array.from({ length: 6 }, () => fetch(`${board.origin}/report`, { signal: leaving.signal }));
    await until(() =>
      board.gateway.snapshot().routes.some(({ name, undecided }) => name === 'report' && undecided > 0),
    );
    leaving.abort();
    await Promise.allSettled(calls);
    return shown.waitFor({ timeout: 1_500 }).then(
      () => true,
      () => false,
    );
  });
  await page.close();
});
