import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../integration/pools/pool-fixture.js';
import { type Answer, send } from './fault-app.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F17: somebody holds the row of a product, so that its checkouts wait for a lock and hold their seats meanwhile.

const LOCK_MS = 200;
const HELD = 1;

let shop: FaultShop;
let holder: pg.Client;

beforeAll(async () => {
  shop = await startFaultShop({
    env: {
      SLUICE_POOL_CHECKOUT_LOCK_TIMEOUT_MS: String(LOCK_MS),
      // So that one lock that is not granted would open the circuit if it counted.
      SLUICE_POOL_CHECKOUT_BREAKER_MINIMUM_CALLS: '1',
      SLUICE_POOL_CHECKOUT_BREAKER_ERROR_PERCENT: '1',
      SLUICE_POOL_CHECKOUT_BREAKER_RESET_MS: '60000',
    },
  });
  holder = new pg.Client({ connectionString: shop.postgres.url });
  await holder.connect();
});
afterAll(async () => {
  await holder.end();
  await shop.close();
});

const buy = (sku: number, headers?: Record<string, string>): Promise<Answer> =>
  send(shop.port, '/checkout', { body: { sku, quantity: 1 }, ...(headers === undefined ? {} : { headers }) });

const stockOf = async (sku: number): Promise<unknown> => {
  const [row] = await ask<{ stock: string }>(shop.postgres.url, 'SELECT stock FROM products WHERE sku = $1', [sku]);
  return row?.stock;
};

/** Runs `work` while the row is held by somebody else. */
async function whileHeld(work: () => Promise<void>): Promise<void> {
  await holder.query('BEGIN');
  await holder.query('UPDATE products SET stock = stock WHERE sku = $1', [HELD]);
  try {
    await work();
  } finally {
    await holder.query('ROLLBACK');
  }
}

const waiting = async (): Promise<number> => {
  const rows = await ask(
    shop.postgres.url,
    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'sluice-shop' AND wait_event_type = 'Lock'",
  );
  return rows.length;
};

describeFault('F17: a row is locked by somebody else', () => {
  it('its checkouts end at the lock timeout and say so, and nobody else notices', NOISE, async () => {
    const before = await stockOf(HELD);
    await whileHeld(async () => {
      let answered = false;
      const held = Promise.all(Array.from({ length: 8 }, () => buy(HELD))).finally(() => {
        answered = true;
      });
      const others: Answer[] = [];
      for (let sku = 2; !answered; sku += 1) {
        others.push(await buy(sku), await send(shop.port, `/products/${HELD}`));
        others.push(await send(shop.port, '/admin/orders/1'));
      }
      expect(others.length).toBeGreaterThan(10);
      expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200, 201]));
      for (const { status, body, ms } of await held) {
        expect({ status, code: body.code, outcome: body.outcome, measured: body.measured }).toEqual({
          status: 503,
          code: 'database_busy',
          outcome: 'rolled_back',
          measured: { stage: 'handler', route: 'checkout', pool: 'checkout', sql_state: '55P03' },
        });
        expect(body.detail).toContain('a lock was not granted in time');
        expect(ms).toBeGreaterThanOrEqual(LOCK_MS - 5);
        expect(ms).toBeLessThan(LOCK_MS + 300);
      }
    });
    expect(await stockOf(HELD)).toBe(before);
    // Contention is no illness of the database.
    expect(shop.pool('checkout').breaker).toBe('closed');
    expect((await buy(HELD)).status).toBe(201);
    await shop.expectAtRest();
  });

  it('whose deadline comes first ends there, and gives up its place among the waiting', NOISE, async () => {
    // What waited for locks has taught the shop that checkouts are slow: with so little time it would not try one.
    for (let sku = 2; sku < 102; sku += 1) expect((await buy(sku)).status).toBe(201);
    const before = await stockOf(HELD);
    await whileHeld(async () => {
      const answers = Array.from({ length: 4 }, () => buy(HELD, { 'x-request-timeout-ms': '120' }));
      await until(async () => (await waiting()) > 0);
      for (const { status, body, ms } of await Promise.all(answers)) {
        expect({ status, code: body.code, outcome: body.outcome }).toEqual({
          status: 504,
          code: 'deadline_expired',
          outcome: 'rolled_back',
        });
        expect(ms).toBeLessThan(120 + 100);
      }
      const endedMs = performance.now();
      await until(async () => (await waiting()) === 0);
      expect(performance.now() - endedMs).toBeLessThan(150);
    });
    expect(await stockOf(HELD)).toBe(before);
    await shop.expectAtRest();
  });
});
