import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTenantShop } from './tenant-shop.js';

// The process of the shop with tenants.

const { app, gateway } = await createTenantShop({
  databaseUrl: process.env.DATABASE_URL ?? '',
  env: process.env,
  checkoutWorkMs: Number(process.env.SHOP_CHECKOUT_WORK_MS ?? 0),
  reportWorkMs: Number(process.env.SHOP_REPORT_WORK_MS ?? 0),
});
const server = createServer(app);
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', 4_096, () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
async function end(): Promise<void> {
  await gateway.drain({ server, timeoutMs: 2_000 });
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end());
process.once('disconnect', () => process.exit(0));
