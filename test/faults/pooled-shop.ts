import { type PgbouncerServer, startPgbouncer } from '../support/pgbouncer-server.js';
import { type FaultShop, type FaultShopOptions, startFaultShop } from './fault-shop.js';

/** The connections of each pool of the shop, and of the pooler for it. */
const SIZES: Readonly<Record<string, number>> = { checkout: 16, catalog: 8, reports: 4, admin: 2 };

/** A shop that reaches its server through PgBouncer in transaction mode, with an entry for each of its pools. */
export interface PooledShop {
  readonly shop: FaultShop;
  readonly pooler: PgbouncerServer;
  close(): Promise<void>;
}

/** @param settings - Of the pooler, beside those of this file. */
export async function startPooledShop(
  options: FaultShopOptions = {},
  settings: Readonly<Record<string, string | number>> = {},
  sizes: Readonly<Record<string, number>> = {},
): Promise<PooledShop> {
  const poolers: PgbouncerServer[] = [];
  const shop = await startFaultShop({
    ...options,
    pooled: true,
    arrange: async (server) => {
      const { password } = new URL(server.url);
      const entry = ([name, size]: [string, number]): string =>
        `shop_${name} = host=127.0.0.1 port=${server.port} dbname=postgres pool_size=${sizes[name] ?? size} ` +
        "connect_query='SET client_connection_check_interval = 500'";
      const pooler = await startPgbouncer({
        databases: Object.entries(SIZES).map(entry),
        users: { postgres: password },
        settings: { max_client_conn: 500, server_login_retry: 0.2, ...settings },
      });
      poolers.push(pooler);
      const url = (name: string): string => `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop_${name}`;
      return Object.fromEntries(Object.keys(SIZES).map((name) => [`SLUICE_POOL_${name.toUpperCase()}_URL`, url(name)]));
    },
  });
  const [pooler] = poolers;
  if (pooler === undefined) throw new Error('the shop was started without its pooler');
  return {
    shop,
    pooler,
    close: async () => {
      await shop.close();
      await pooler.close();
    },
  };
}
