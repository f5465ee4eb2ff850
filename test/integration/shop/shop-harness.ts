import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import pg from 'pg';
import supertest from 'supertest';
import { createShop, type Shop, type ShopOptions } from '../../../examples/shop/app.js';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';

/** A shop in this process, on a PostgreSQL of its own. */
export interface RunningShop {
  readonly shop: Shop;
  readonly postgres: PostgresServer;
  readonly request: ReturnType<typeof supertest>;
  /** One statement on a session beside the shop's. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Starts PostgreSQL and the shop on it. */
export async function startShop(options: Partial<ShopOptions> = {}): Promise<RunningShop> {
  const postgres = await startPostgres({ settings: { fsync: 'off' } });
  const beside = new pg.Pool({ connectionString: postgres.url, max: 2 });
  beside.on('error', () => undefined);
  let shop: Shop | undefined;
  let server: Server | undefined;
  const close = async (): Promise<void> => {
    await shop?.close(server === undefined ? {} : { server });
    await beside.end();
    await postgres.close();
  };
  try {
    shop = await createShop({ databaseUrl: postgres.url, ...options });
    server = createServer(shop.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    shop,
    postgres,
    request: supertest(server),
    sql: async (text, values) => (await beside.query(text, values)).rows,
    close,
  };
}
