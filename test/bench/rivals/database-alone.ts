import pg from 'pg';
import { placeOrder } from '../../../examples/shop/checkout.js';
import { salesReport } from '../../../examples/shop/sales-report.js';
import { seededRandom } from '../../load/random.js';
import { CHECKOUT_CONNECTIONS, REPORT_CONNECTIONS } from './gate.js';

// What the database does without any web server before it: 16 raw clients place orders back to back, 4 read reports.
// `node database-alone.js <warm-up ms> <measure ms> <seed>` answers over IPC with both rates per second.

const [warmUpMs = 0, measureMs = 0, seed = 1] = process.argv.slice(2).map(Number);
const checkoutWorkMs = Number(process.env.SHOP_CHECKOUT_WORK_MS ?? 0);
const reportWorkMs = Number(process.env.SHOP_REPORT_WORK_MS ?? 0);
const random = seededRandom(seed);
const fromMs = performance.now() + warmUpMs;
const toMs = fromMs + measureMs;

/** Runs work over and over until the end; counts what ended inside the window. */
async function backToBack(work: (client: pg.Client) => Promise<unknown>): Promise<number> {
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  let count = 0;
  for (;;) {
    await work(client);
    const nowMs = performance.now();
    if (nowMs >= toMs) break;
    if (nowMs >= fromMs) count += 1;
  }
  await client.end();
  return count;
}

async function checkout(client: pg.Client): Promise<void> {
  await client.query('begin');
  await placeOrder(client, { sku: 1 + Math.floor(random() * 1_000), quantity: 1 }, checkoutWorkMs);
  await client.query('commit');
}

async function total(clients: number, work: (client: pg.Client) => Promise<unknown>): Promise<number> {
  const counts = await Promise.all(Array.from({ length: clients }, () => backToBack(work)));
  return counts.reduce((sum, count) => sum + count, 0);
}

process.once('disconnect', () => process.exit(0));
const [orders, reports] = await Promise.all([
  total(CHECKOUT_CONNECTIONS, checkout),
  total(REPORT_CONNECTIONS, (client) => salesReport(client, 30, reportWorkMs)),
]);
const seconds = measureMs / 1_000;
process.send?.({ perSecond: orders / seconds, reportsPerSecond: reports / seconds }, () => process.disconnect());
