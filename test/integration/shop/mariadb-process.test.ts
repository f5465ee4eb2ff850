import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { until } from '../pools/pool-fixture.js';
import { checkOut, type ProcessOptions, ShopProcess, untilStatus } from './shop-process.js';

// The shop as a newcomer meets it, with DATABASE_URL=mysql://…

/** The server numbers what it fills a table with in leaps. */
const SERVED = { status: 201, body: { orderId: expect.toSatisfy((id: number) => id > 200_000) } };

let mariadb: MariadbServer;
let shop: ShopProcess | undefined;

beforeAll(async () => {
  mariadb = await startMariadb();
});
afterEach(async () => {
  // What npm has started outlives it.
  if (shop?.child.exitCode === null && shop.child.pid !== undefined) process.kill(-shop.child.pid, 'SIGKILL');
  await shop?.destroy();
  shop = undefined;
});
afterAll(() => mariadb.close());

function start(options: ProcessOptions = {}): ShopProcess {
  shop = new ShopProcess({ ...options, env: { DATABASE_URL: mariadb.url, ...options.env } });
  return shop;
}

async function sessionsLeft(): Promise<number> {
  // One of the server's sessions asks.
  return (await mariadb.ask("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Daemon'")).length - 1;
}

async function aborted(): Promise<number> {
  const [row] = await mariadb.ask<{ Value: string } & import('mysql2').RowDataPacket>(
    "SHOW GLOBAL STATUS LIKE 'Aborted_clients'",
  );
  return Number(row?.Value);
}

describe('the shop on MariaDB, as a process of its own', () => {
  it('starts by "npm start", fills an empty database, serves, and ends with 0 on Ctrl-C', async () => {
    const first = start({ command: ['npm', 'start'] });
    const url = await first.url();
    await untilStatus(url, '/readyz', 200);
    expect(await checkOut(url)).toEqual(SERVED);
    expect((await fetch(`${url}/reports/sales?days=30`)).status).toBe(200);
    first.interruptGroup();
    expect(await first.ended).toBe(0);
    expect(await sessionsLeft()).toBe(0);
  });

  it('takes up what it has left, ends with 0 on SIGTERM once all is answered, and leaves nothing at the server', async () => {
    const before = await aborted();
    const next = start({ env: { SHOP_CHECKOUT_WORK_MS: '700', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '10000' } });
    const url = await next.url();
    const inFlight = checkOut(url);
    const asleep = "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'";
    while ((await mariadb.ask(asleep)).length === 0) await new Promise((resolve) => setImmediate(resolve));
    next.kill('SIGTERM');
    expect(await inFlight).toEqual(SERVED);
    expect(await next.ended).toBe(0);
    expect(await sessionsLeft()).toBe(0);
    expect(await aborted()).toBe(before);
  });

  it('is unready until the server comes, and ends with 0 all the same', async () => {
    await mariadb.stop('orderly');
    const early = start();
    const url = await early.url();
    await early.says(/^the database cannot be reached \(.*ECONNREFUSED.*\); not ready until it can, trying again$/m);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await mariadb.start();
    await untilStatus(url, '/readyz', 200);
    // Each pool finds its server by itself, and one is enough to be ready.
    await until(async () => (await checkOut(url)).status === SERVED.status);
    early.kill('SIGTERM');
    expect(await early.ended).toBe(0);
  });
});
