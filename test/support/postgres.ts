import { layOutData, type PostgresData } from '../../examples/support/postgres-data.js';
import {
  type PostgresServer,
  type PostgresServerOptions,
  startPostgres as start,
} from '../../examples/support/postgres-server.js';

export type { PostgresServer };

/** Laid out once for all tests of this process: most of what a server costs is that. */
let data: Promise<PostgresData> | undefined;

/** Starts a real PostgreSQL with data of its own, as the examples do. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  data ??= layOutData();
  return start({ ...options, data: await data });
}
