import { protect } from 'sluice/express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { checkoutStream, failures } from './calls.js';
import { type FaultApp, startFaultApp } from './fault-app.js';
import { type FaultShop, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F31: what a session has prepared becomes invalid, because a table changes or somebody discards it. Nothing that runs
// through a pool has a name, so there is nothing to become invalid.

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop();
});
afterAll(() => shop.close());

/** An application on the same server whose handler does what the shop's never would. */
function startDiscarding(): Promise<FaultApp> {
  return startFaultApp(
    {
      url: shop.postgres.url,
      pools: { main: { max: 1, minIdle: 1 } },
      routes: { any: { pool: 'main' } },
    },
    (express, gateway) => {
      express.get(
        '/discard',
        protect(gateway, 'any', {}, async (req, res) => {
          const client = await req.sluice.connect();
          const read = async (): Promise<unknown> =>
            (await client.query('SELECT price_cents FROM products WHERE sku = $1', [1])).rows.length;
          const rows = [await read()];
          for (const statement of ['DEALLOCATE ALL', 'DISCARD PLANS', 'DISCARD ALL']) {
            await client.query(statement);
            rows.push(await read());
          }
          const { rows: named } = await client.query("SELECT name FROM pg_prepared_statements WHERE name <> ''");
          client.release();
          res.json({ rows, named });
        }),
      );
    },
  );
}

const CHANGES = [
  'ALTER TABLE products ADD COLUMN extra text',
  'ALTER TABLE orders ADD COLUMN extra text',
  "ALTER TABLE products ALTER COLUMN name TYPE varchar(200) USING name || ''",
  'ALTER TABLE products RENAME TO goods; CREATE VIEW products AS SELECT * FROM goods',
  'DROP VIEW products; ALTER TABLE goods RENAME TO products',
  'ALTER TABLE products DROP COLUMN extra',
  'ALTER TABLE orders DROP COLUMN extra',
  'CREATE INDEX extra ON orders (quantity)',
  'DROP INDEX extra',
  'ANALYZE products, orders',
];

describeFault('F31: what was prepared becomes invalid', () => {
  it('by changes of the tables under load: no request notices', async () => {
    const read = { name: 'look', method: 'GET', path: '/products/{{int 1 1000}}' };
    const order = { name: 'order', method: 'GET', path: '/admin/orders/{{int 1 1000}}' };
    const arrivals = { kind: 'poisson', ratePerSecond: 60 } as const;
    const patience = { arrivals, deadlineMs: 500, unansweredAfterMs: 10_000 };
    const loading = shop.load(2_000, [
      checkoutStream('buy', 60),
      { ...read, ...patience },
      { ...order, ...patience, arrivals: { ...arrivals, ratePerSecond: 20 } },
    ]);
    await until(() => shop.stats('checkout').ended > 5 && shop.stats('product').ended > 5);
    const changedFrom = shop.stats('checkout').ended;
    for (const change of CHANGES) {
      await ask(shop.postgres.url, change);
      // Between two changes every session is to be used again.
      await lasts(60);
    }
    expect(shop.stats('checkout').ended).toBeGreaterThan(changedFrom);
    const { of } = await loading;
    expect({ ...failures(of('buy')), ...failures(of('look')), ...failures(of('order')) }).toEqual({});
    for (const name of ['checkout', 'catalog', 'admin']) expect(shop.pool(name).gauges().lost).toBe(0);
    await shop.expectAtRest();
  });

  it('by a session that discards all it has: the next statement works all the same', async () => {
    const app = await startDiscarding();
    const { status, body } = await app.send('/discard');
    expect({ status, body }).toEqual({ status: 200, body: { rows: [1, 1, 1, 1], named: [] } });
    expect((await app.send('/discard')).status).toBe(200);
    expect([...app.gateway.telemetry().pools()][0]?.gauges().opened).toBe(1);
    await app.close();
    await shop.expectAtRest();
  });
});
