import { afterAll, beforeAll, expect, it } from 'vitest';
import { latch } from '../integration/http/harness.js';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkoutStream, failures } from './calls.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { Names, namedServer } from './names.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F23: the name of the server leads to another address: what is new goes there, and nothing that is under way is cut.

const [OLD, NEW] = ['127.0.0.2', '127.0.0.3'] as const;
const LIFETIME_MS = 500;

let names: Names;
let shop: FaultShop;

beforeAll(async () => {
  names = new Names('database.test', OLD);
  shop = await startFaultShop({
    env: {
      SLUICE_POOL_CATALOG_MAX_LIFETIME_MS: String(LIFETIME_MS),
      SLUICE_POOL_CHECKOUT_MIN_IDLE: '4',
      // Who fails is to have failed by the change, and not by a machine that is busy.
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000',
      SLUICE_ROUTE_PRODUCT_DEADLINE_MS: '5000',
    },
    ...namedServer('database.test', ['127.0.0.1', OLD, NEW]),
  });
});
afterAll(async () => {
  await shop.close();
  names.restore();
});

/** The addresses at which sessions of a pool are, asked of several at once so that none is asked twice. */
async function addressesOf(route: string): Promise<string[]> {
  const asked = Array.from({ length: 4 }, () =>
    shop.run(route, async (handle) => {
      const text = 'SELECT host(inet_server_addr()) AS address, pg_sleep(0.02)';
      return (await handle.query<{ address: string }>(text)).rows[0]?.address ?? '';
    }),
  );
  return [...new Set(await Promise.all(asked))].sort();
}

describeFault('F23: the name of the server leads elsewhere', () => {
  it('recycled sessions move at once, others with their lifetime, and no transaction is cut', async () => {
    names.leadTo(OLD);
    for (const pool of ['checkout', 'catalog', 'admin']) shop.gateway.recycle(pool);
    await until(async () => (await addressesOf('checkout')).join() === OLD);
    const loading = shop.load(2_500, [
      checkoutStream('buy', 60),
      {
        name: 'look',
        method: 'GET',
        path: '/products/{{int 1 1000}}',
        arrivals: { kind: 'poisson', ratePerSecond: 60 },
        deadlineMs: 500,
        unansweredAfterMs: 10_000,
      },
    ]);
    const [begun, goOn] = [latch(), latch()];
    const transaction = shop.run('adminOrder', async (handle) =>
      handle.transaction(async (client) => {
        const where = async (): Promise<unknown> =>
          (await client.query<{ address: string }>('SELECT host(inet_server_addr()) AS address')).rows[0]?.address;
        const before = await where();
        begun.open();
        await goOn.promise;
        return [before, await where()];
      }),
    );
    await begun.promise;
    names.leadTo(NEW);
    // Open connections do not notice.
    expect(await addressesOf('checkout')).toEqual([OLD]);
    for (const pool of ['checkout', 'admin']) shop.gateway.recycle(pool);
    expect(() => shop.gateway.recycle('elsewhere')).toThrow('no pool "elsewhere" is configured; the pools are "');
    const recycledMs = performance.now();
    await until(async () => (await addressesOf('checkout')).join() === NEW);
    expect(performance.now() - recycledMs).toBeLessThan(500);
    goOn.open();
    // It was under way when its session was to be replaced.
    expect(await transaction).toEqual([OLD, OLD]);
    expect(await addressesOf('adminOrder')).toEqual([NEW]);
    // Nobody has recycled these.
    await until(async () => (await addressesOf('product')).join() === NEW, 2 * LIFETIME_MS);
    const { of } = await loading;
    expect({ ...failures(of('buy')), ...failures(of('look')) }).toEqual({});
    for (const name of ['checkout', 'catalog', 'admin']) expect(shop.pool(name).gauges().lost).toBe(0);
    await shop.expectAtRest();
  });

  it('a statement at the old address is still stopped there', async () => {
    const stop = new AbortController();
    const work = shop.run('salesReport', (handle) => handle.query('SELECT pg_sleep(20)'), { signal: stop.signal });
    const slow = (): Promise<unknown[]> =>
      ask(shop.postgres.url, "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(20)'");
    await until(async () => (await slow()).length === 1);
    // Where nobody listens: a cancel that asks for the address again would be lost.
    names.leadTo('127.0.0.9');
    stop.abort();
    await expect(work).rejects.toThrow();
    const stoppedMs = performance.now();
    await until(async () => (await slow()).length === 0);
    expect(performance.now() - stoppedMs).toBeLessThan(200);
    names.leadTo(NEW);
    await lasts(50);
    await shop.expectAtRest();
  });
});
