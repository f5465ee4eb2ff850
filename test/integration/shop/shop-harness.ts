import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import supertest from 'supertest';
import { createShop, type Shop, type ShopOptions } from '../../../examples/shop/app.js';
import { DATABASES, type ShopDatabase } from './shop-databases.js';

type Engine = keyof typeof DATABASES;

/** Those that the shop runs on. */
export const ENGINES: readonly Engine[] = ['postgres', 'mariadb'];

/** A shop in this process, on a server of its own. */
export interface RunningShop {
  readonly shop: Shop;
  readonly request: ReturnType<typeof supertest>;
  readonly database: ShopDatabase;
  /** One statement on a session beside the shop's. */
  readonly sql: ShopDatabase['sql'];
  close(): Promise<void>;
}

/** Starts a server and the shop on it. */
export async function startShop(engine: Engine, options: Partial<ShopOptions> = {}): Promise<RunningShop> {
  const database = await DATABASES[engine]();
  let shop: Shop | undefined;
  let server: Server | undefined;
  const close = async (): Promise<void> => {
    await shop?.close(server === undefined ? {} : { server });
    await database.close();
  };
  try {
    shop = await createShop({ databaseUrl: database.url, ...options });
    server = createServer(shop.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    shop,
    database,
    request: supertest(server),
    sql: database.sql,
    close,
  };
}
