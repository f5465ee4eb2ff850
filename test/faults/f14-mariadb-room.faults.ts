import { afterEach, expect, it } from 'vitest';
import { checkoutStream, failures } from './calls.js';
import { type MariadbShop, startMariadbShop } from './mariadb-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F14: the server, or the account of the shop, gives fewer connections than the pools want: 1040 and 1226.

let shop: MariadbShop;
afterEach(() => shop.close());

/** For each pool at its start; the rest is the checkouts'. */
const POOLS = { SLUICE_POOL_CATALOG_MAX: '2', SLUICE_POOL_REPORTS_MAX: '2', SLUICE_POOL_ADMIN_MAX: '1' };

describeFault('F14: the account has too few connections', () => {
  it('serves with what it gets, answers nobody with 1226, and grows when there is room', async () => {
    const bound = (most: number) => `ALTER USER shop WITH MAX_USER_CONNECTIONS ${most}`;
    shop = await startMariadbShop({
      // More at once than the account may have.
      checkoutWorkMs: 40,
      env: { ...POOLS, SLUICE_POOL_CHECKOUT_MIN_IDLE: '1' },
      arrange: async (mariadb) => {
        await mariadb.ask("CREATE USER shop IDENTIFIED BY 'shop'");
        await mariadb.ask('GRANT ALL ON app.* TO shop');
        return 'shop';
      },
    });
    // Not before: a gateway that starts would see that its pools do not fit.
    await shop.mariadb.ask(bound(12));
    const calls = await shop.load(2_000, [checkoutStream('checkout', 250)]);
    // With few connections there may be more work than they can do, which is for the queue and the deadline to say.
    expect(Object.keys(failures(calls)).filter((each) => !/queue_full|deadline/.test(each))).toEqual([]);
    const [warning = ''] = shop.log.of('database_connections_exhausted');
    expect(warning).toMatch(/pool "checkout": no further connection can be opened; lower max/);
    const checkout = [...shop.gateway.telemetry().pools()].find(({ name }) => name === 'checkout');
    const granted = (): number => checkout?.gauges().granted ?? 0;
    expect(granted()).toBeLessThan(16);
    const before = granted();
    await shop.mariadb.ask(bound(40));
    await shop.load(2_500, [checkoutStream('checkout', 400)]);
    await until(() => granted() > before);
    await shop.expectAtRest();
  });
});

describeFault('F14: the server is full', () => {
  it('goes on with what it has, and answers nobody with 1040', async () => {
    const others: { end(): Promise<void> }[] = [];
    shop = await startMariadbShop({
      settings: { 'max-connections': '40' },
      // How many may wait for few connections is another matter: here all of them may.
      env: {
        ...POOLS,
        SLUICE_POOL_CHECKOUT_MAX: '8',
        SLUICE_POOL_CHECKOUT_EVICTION: 'false',
        SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '5000',
      },
    });
    const { default: mysql } = await import('mysql2/promise');
    // As many as there is room for.
    for (;;) {
      const other = await mysql.createConnection(shop.mariadb.url).catch((error: { errno: number }) => error.errno);
      if (typeof other === 'number') {
        expect(other).toBe(1040);
        break;
      }
      others.push(other);
    }
    const calls = await shop.load(1_500, [checkoutStream('checkout', 100)]);
    expect(failures(calls)).toEqual({});
    await Promise.all(others.map((other) => other.end()));
    await shop.load(1_000, [checkoutStream('checkout', 100)]);
    await shop.expectAtRest();
  });
});
