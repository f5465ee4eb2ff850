import pg from 'pg';
import { prepareDatabase } from '../../../examples/shop/database.js';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';

/** Durability is off, so that the disk of the machine is not what is measured; vacuum runs between runs instead. */
export const DATABASE_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: '120',
  shared_buffers: '256MB',
  jit: 'off',
};

/** The shop's database, for one section of the bench. */
export interface ShopDatabase {
  readonly url: string;
  /** What the shop needs besides, where its pools go another way. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the server, where they are not its own. */
  readonly settings: Readonly<Record<string, string>>;
  /** Takes away what a run has written, so that each begins with the same tables. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** On a PostgreSQL of its own. */
export interface BenchDatabase extends ShopDatabase {
  readonly server: PostgresServer;
}

/** Starts a server of its own and fills the shop's tables. */
export async function startDatabase(signal: AbortSignal): Promise<BenchDatabase> {
  const server = await startPostgres({ settings: DATABASE_SETTINGS });
  const close = (): Promise<void> => server.close();
  try {
    signal.throwIfAborted();
    const url = new URL(server.url);
    url.pathname = '/shop';
    await prepareDatabase(url.href);
    return { server, url: url.href, settings: DATABASE_SETTINGS, reset: () => reset(url.href), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function reset(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // What a run left behind may still be working for callers that are gone.
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    await client.query('delete from orders where id > 200000');
    await client.query('vacuum analyze orders, products');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
