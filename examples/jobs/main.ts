// A nightly export in chunks beside checkouts, on one database: `node dist/examples/jobs/main.js [file]`, after
// `npm run build`. DATABASE_URL names the database; without it, one is started for the time being. Ctrl-C stops it in
// order, and with a database of its own the next start goes on where this one stopped.
import { createGateway } from 'sluice';
import { startPostgres } from '../support/postgres-server.js';
import { EXPORT_SCHEMA, exportOrders } from './export-orders.js';

const ORDERS = 100_000;
const CHECKOUTS_AT_ONCE = 4;

const file = process.argv[2] ?? 'orders.ndjson';
const given = process.env.DATABASE_URL;
const postgres = given === undefined ? await startPostgres() : undefined;
const url = given ?? postgres?.url;

const gateway = await createGateway({
  readinessDelayMs: 0,
  pools: {
    shop: { url, max: 8 },
    // Two connections, long deadlines; it gives way where it slows the shop.
    nightly: { url, profile: 'batch', yieldsTo: 'shop' },
  },
  routes: {
    prepare: { pool: 'nightly', priority: 'low' },
    checkout: { pool: 'shop', priority: 'critical', deadlineMs: 500 },
    // In earnest with its hours: window: '22:00-06:00'.
    nightlyExport: { pool: 'nightly', priority: 'low' },
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void gateway.drain());

await gateway.run('prepare', async (handle) => {
  await handle.query(EXPORT_SCHEMA);
  await handle.query(
    `INSERT INTO orders (sku, quantity, placed_at)
       SELECT n % 1000 + 1, 1, now() - interval '1 day' FROM generate_series(1, ${ORDERS}) n
       WHERE NOT EXISTS (SELECT FROM orders)`,
  );
});

const times: number[] = [];
let exporting = true;
async function keepCheckingOut(): Promise<void> {
  while (exporting && !gateway.draining) {
    const fromMs = performance.now();
    await gateway.run('checkout', (handle) =>
      handle.transaction((client) => client.query('INSERT INTO orders (sku, quantity) VALUES (7, 1)'), { retry: true }),
    );
    times.push(performance.now() - fromMs);
    // A customer thinks.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const customers = Array.from({ length: CHECKOUTS_AT_ONCE }, () => keepCheckingOut().catch(() => undefined));

const run = await exportOrders(gateway, file, {
  onChunk: ({ orderId }, chunks) => process.stdout.write(`\rchunk ${chunks}: up to order ${orderId}`),
});
exporting = false;
await Promise.all(customers);
const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
const how = run.end === 'done' ? 'done' : `stopped after order ${run.cursor?.orderId}; start it again to go on`;
console.log(`\n${file}: ${how}, ${run.chunks} chunks; ${times.length} checkouts beside it, p99 ${p99.toFixed(1)} ms`);
await gateway.drain();
await postgres?.close();
