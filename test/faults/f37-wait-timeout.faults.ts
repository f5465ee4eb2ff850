import { afterEach, expect, it } from 'vitest';
import { checkoutStream, failures } from './calls.js';
import { type MariadbShop, startMariadbShop } from './mariadb-shop.js';
import { describeFault } from './repetitions.js';
import { lasts } from './until.js';

// F37: the server ends every session that is idle for two seconds, whoever holds it.

let shop: MariadbShop;
afterEach(() => shop.close());

describeFault('F37: the server ends what is idle', () => {
  it('is felt by nobody, idle or lent, and the server has ended none', async () => {
    shop = await startMariadbShop({
      settings: { 'wait-timeout': '2' },
      env: {
        SLUICE_POOL_CHECKOUT_MIN_IDLE: '4',
        SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000',
        SLUICE_ROUTE_SALES_REPORT_DEADLINE_MS: '20000',
      },
    });
    const before = await shop.status('Aborted_clients');
    const pools = [...shop.gateway.telemetry().pools()];
    const opened = pools.map((pool) => pool.gauges().opened);
    // Held for longer than the server waits, and then used again.
    const held = shop.gateway.run('salesReport', async (handle) => {
      const connection = await handle.connect();
      await connection.query('SET @mine = 1');
      await lasts(5_000);
      const { rows } = await connection.query<{ mine: number }>('SELECT @mine AS mine');
      connection.release();
      return rows[0]?.mine;
    });
    expect(await held).toBe(1);
    const calls = await shop.load(500, [checkoutStream('checkout', 60)]);
    expect(failures(calls)).toEqual({});
    expect(pools.map((pool) => pool.gauges().lost)).toEqual(pools.map(() => 0));
    expect(pools[0]?.gauges().opened).toBeGreaterThanOrEqual(opened[0] ?? 0);
    expect(await shop.status('Aborted_clients')).toBe(before);
    await shop.expectAtRest();
  });
});
