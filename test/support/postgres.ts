import { prepareDatabase } from '../../examples/shop/database.js';
import { layOutData, type PostgresData } from '../../examples/support/postgres-data.js';
import {
  type PostgresServer,
  type PostgresServerOptions,
  startPostgres as start,
} from '../../examples/support/postgres-server.js';

export type { PostgresServer };

/** Laid out once for all tests of this process: most of what a server costs is that. */
let data: Promise<PostgresData> | undefined;
/** Likewise, with the orders of a year in it. */
let shopData: Promise<PostgresData> | undefined;

/** Starts a real PostgreSQL with data of its own, as the examples do. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  data ??= layOutData();
  return start({ ...options, data: await data });
}

/** Likewise, and the database of its url is the shop's, as the shop leaves it after its first start. */
export async function startShopPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  shopData ??= layOutShop();
  return start({ ...options, data: await shopData });
}

/** The server that has filled it stays stopped; its data is removed with this process. */
async function layOutShop(): Promise<PostgresData> {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  await prepareDatabase(server.url);
  await server.stop();
  return server.data;
}
