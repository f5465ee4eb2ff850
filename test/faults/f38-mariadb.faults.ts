import { afterEach, expect, it } from 'vitest';
import { checkoutStream, failures, inTime, sentBetween } from './calls.js';
import { type MariadbShop, startMariadbShop } from './mariadb-shop.js';
import { describeFault } from './repetitions.js';
import { lasts } from './until.js';

// F38: sessions and statements are killed, the server restarts or dies, all of it under load.

let shop: MariadbShop | undefined;
afterEach(async () => {
  await shop?.close();
  shop = undefined;
});

const PER_SECOND = 60;
const SESSIONS = "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = 'app' AND ID <> CONNECTION_ID()";

describeFault('F38: KILL and KILL QUERY under load', () => {
  it('costs the requests that were hit, and leaves no seat and no order half done', async () => {
    shop = await startMariadbShop({ checkoutWorkMs: 10, env: { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000' } });
    const { mariadb, load } = shop;
    const loading = load(3_000, [checkoutStream('checkout', PER_SECOND)]);
    await lasts(800);
    let killed = 0;
    for (const how of ['KILL QUERY', 'KILL', 'KILL QUERY', 'KILL']) {
      const sessions = await mariadb.ask(SESSIONS);
      for (const { id } of sessions.slice(0, 3)) {
        const done = await mariadb.ask(`${how} ${Number(id)}`).then(
          () => 1,
          () => 0,
        );
        killed += done;
      }
      await lasts(300);
    }
    const calls = await loading;
    const failed = calls.filter(({ status }) => status !== 201);
    expect(killed).toBeGreaterThan(6);
    expect(failed.length, JSON.stringify(failures(calls))).toBeLessThanOrEqual(killed);
    expect(inTime(sentBetween(calls, 2_300)).length).toBeGreaterThan(PER_SECOND * 0.4);
    await expectStockFits(shop, calls.length - failed.length, failed.length);
    await shop.expectAtRest();
  });
});

for (const how of ['orderly', 'crash'] as const) {
  describeFault(`F38: the server restarts under load (${how})`, () => {
    it('costs the requests in flight, and serves within half a second of its return', async () => {
      shop = await startMariadbShop({
        checkoutWorkMs: 10,
        env: {
          SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000',
          SLUICE_POOL_CHECKOUT_RIDE_OUT_MS: '8000',
          // Whoever came meanwhile may wait for as long as the deadline bears.
          SLUICE_POOL_CHECKOUT_EVICTION: 'false',
        },
      });
      const { mariadb, load } = shop;
      const startedAtMs = performance.now();
      const loading = load(5_000, [checkoutStream('checkout', PER_SECOND, { deadlineMs: 5_000 })]);
      await lasts(1_500);
      await mariadb.stop(how);
      await mariadb.start();
      const backAtMs = performance.now() - startedAtMs;
      const calls = await loading;
      const lost = calls.filter(({ code }) => code === 'connection_lost');
      // 16 connections, each with one request at most.
      expect(lost.length).toBeLessThanOrEqual(16);
      expect(
        Object.keys(failures(calls)).filter((each) => !/connection_lost|database_unavailable|deadline/.test(each)),
      ).toEqual([]);
      const afterMs = calls.filter(({ status, endedAtMs }) => status === 201 && endedAtMs > backAtMs);
      expect(Math.min(...afterMs.map(({ endedAtMs }) => endedAtMs)) - backAtMs).toBeLessThan(500);
      await shop.expectAtRest();
    });
  });
}

/** Each answered checkout took one piece; of those that failed some may have been done. */
async function expectStockFits({ mariadb }: MariadbShop, placed: number, failed: number): Promise<void> {
  const [sum] = await mariadb.ask('SELECT CAST(1000000000 - SUM(stock) AS SIGNED) AS sold FROM products');
  const [orders] = await mariadb.ask('SELECT COUNT(*) - 200000 AS made FROM orders');
  expect(sum?.sold).toBe(orders?.made);
  expect(orders?.made).toBeGreaterThanOrEqual(placed);
  expect(orders?.made).toBeLessThanOrEqual(placed + failed);
}
