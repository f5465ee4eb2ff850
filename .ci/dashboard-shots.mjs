// Pictures of the dashboard for the README: the example shop calm, in a storm, and while its database is away.
// Usage: npm run build && node .ci/dashboard-shots.mjs [folder]; takes about a minute, all of it on this machine.
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { createShop } from '../dist/examples/shop/app.js';
import { startPostgres } from '../dist/examples/support/postgres-server.js';
import { startLoad } from '../dist/test/load/start-load.js';
import { findProgram } from '../dist/test/support/programs.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('../.github/dashboard', import.meta.url));
const PHASE_MS = 15_000;

const stream = (name, method, path, ratePerSecond, body) => ({
  name,
  method,
  path,
  ...(body === undefined ? {} : { body }),
  arrivals: { kind: 'poisson', ratePerSecond },
  deadlineMs: 500,
  unansweredAfterMs: 3_000,
});

/** Sends requests of the shop for one phase. */
const load = (port, checkouts, reports) =>
  startLoad({
    port,
    seed: 1,
    warmUpMs: 0,
    measureMs: PHASE_MS,
    coolDownMs: 0,
    streams: [
      stream('checkout', 'POST', '/checkout', checkouts, '{"sku":{{int 1 1000}},"quantity":1}'),
      stream('product', 'GET', '/products/{{int 1 1000}}', 100),
      stream('report', 'GET', '/reports/sales?days=30', reports),
      stream('order', 'GET', '/admin/orders/{{int 1 1000}}', 5),
    ],
  });

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const postgres = await startPostgres({ settings: { fsync: 'off', max_connections: '60' } });
const shop = await createShop({ databaseUrl: postgres.url, checkoutWorkMs: 20, reportWorkMs: 500, logger: silent });
shop.refused.catch(() => undefined);
const server = createServer(shop.app).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const browser = await chromium.launch({
  executablePath: findProgram('chromium'),
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage({ viewport: { width: 1360, height: 1400 } });
  await page.goto(`http://127.0.0.1:${port}/sluice`);
  await page.getByText('● live').waitFor();
  const phase = async (name, colorScheme, running, alsoAfterMs, also) => {
    await page.emulateMedia({ colorScheme });
    await delay(alsoAfterMs);
    await also?.();
    await delay(PHASE_MS - alsoAfterMs - 3_000);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(join(folder, `${name}.png`));
    await running;
  };
  await phase('calm', 'light', load(port, 200, 2), 0);
  await phase('storm', 'light', load(port, 1_200, 40), 0);
  await phase('outage', 'dark', load(port, 200, 2), 7_000, () => postgres.stop('immediate'));
} finally {
  await browser.close();
  await shop.close({ server, timeoutMs: 0 });
  await postgres.close();
}
