import type { RowDataPacket } from 'mysql2';
import { prepareDatabase } from '../../../examples/shop/database.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import type { ShopDatabase } from './database.js';

/** As with PostgreSQL, the disk of the machine is not what is measured. */
const SETTINGS: Readonly<Record<string, string>> = {
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-doublewrite': '0',
  'innodb-buffer-pool-size': '256M',
  'max-connections': '120',
  'performance-schema': 'OFF',
};

/** Starts a MariaDB of its own and fills the shop's tables. */
export async function startMariadbDatabase(signal: AbortSignal): Promise<ShopDatabase> {
  const server = await startMariadb(SETTINGS);
  const close = (): Promise<void> => server.close();
  try {
    signal.throwIfAborted();
    await prepareDatabase(server.url);
    return { url: server.url, settings: SETTINGS, reset: () => reset(server), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function reset(server: MariadbServer): Promise<void> {
  // What a run left behind may still be working for callers that are gone.
  const others = await server.ask<RowDataPacket & { id: number }>(
    "select id from information_schema.processlist where db = database() and id <> connection_id() and command <> 'Daemon'",
  );
  for (const { id } of others) {
    // It may have ended meanwhile.
    await server.ask(`kill ${id}`).catch(() => undefined);
  }
  await server.ask('delete from orders where id > 200000');
  await server.ask('analyze table orders, products');
}
