import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';

/** The connections of each of the shop's pools. */
export type PoolSizes = Readonly<Record<string, number>>;

/** Starts PgBouncer in transaction mode before a shop's database, with an entry of its own for each pool. */
export function startPooler(databaseUrl: string, sizes: PoolSizes): Promise<PgbouncerServer> {
  const { port, password } = new URL(databaseUrl);
  const entry = ([name, size]: [string, number]): string =>
    `shop_${name} = host=127.0.0.1 port=${port} dbname=shop pool_size=${size} ` +
    "connect_query='SET client_connection_check_interval = 500'";
  return startPgbouncer({
    databases: Object.entries(sizes).map(entry),
    users: { postgres: password },
    settings: { max_client_conn: 500, server_login_retry: 0.2 },
  });
}

/** What leads each pool of the shop to its entry. */
export function pooledEnvironment(
  databaseUrl: string,
  sizes: PoolSizes,
  pooler: PgbouncerServer,
): Record<string, string> {
  const { password } = new URL(databaseUrl);
  return Object.fromEntries(
    Object.keys(sizes).map((name) => [
      `SLUICE_POOL_${name.toUpperCase()}_URL`,
      `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop_${name}`,
    ]),
  );
}
