import type { Connection } from './contract.js';

/** What a server allows in connections. */
export interface ServerLimits {
  /** `max_connections`. */
  readonly maxConnections: number;
  /** Of these, kept for superusers (`superuser_reserved_connections`) and, since PostgreSQL 16, for privileged roles. */
  readonly superuserReserved: number;
}

/** Asks a server how many connections it allows. */
export async function readServerLimits(connection: Connection): Promise<ServerLimits> {
  const { rows } = await connection.query<ServerLimits>(SERVER_LIMITS, undefined, undefined);
  const [limits] = rows;
  if (limits === undefined) throw new Error('the server did not tell its connection limits');
  return limits;
}

const SERVER_LIMITS = `SELECT current_setting('max_connections')::int AS "maxConnections",
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0) AS "superuserReserved"`;
