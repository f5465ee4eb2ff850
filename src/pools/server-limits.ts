import type { Connection } from './contract.js';

/** What a server allows in connections, and what it says of itself. */
export interface ServerLimits {
  /** The same for every way that leads to this server, and another for any other, its own standby included. */
  readonly identity: string;
  /** `max_connections`. */
  readonly maxConnections: number;
  /** Of these, kept for superusers (`superuser_reserved_connections`) and, since PostgreSQL 16, for privileged roles. */
  readonly superuserReserved: number;
  /** Who is logged in: behind a pooler, at the server. */
  readonly user: string;
  /** Connections that this user may have at once; `null` for as many as the server gives. */
  readonly userLimit: number | null;
  readonly database: string;
  /** Likewise of the database, for this user. */
  readonly databaseLimit: number | null;
}

/** Asks a server how many connections it allows, and who it is: one message, that needs no right. */
export async function readServerLimits(connection: Pick<Connection, 'query'>): Promise<ServerLimits> {
  const { rows } = await connection.query<ServerLimits>(SERVER_LIMITS, undefined, undefined);
  const [limits] = rows;
  if (limits === undefined) throw new Error('the server did not tell its connection limits');
  return limits;
}

// Its address depends on the way to it, and a standby shares the identifier of its primary: the microsecond in which it
// was started belongs to one server alone. Superusers are bound by no CONNECTION LIMIT.
const SERVER_LIMITS = `SELECT
  'postgres ' || extract(epoch FROM pg_postmaster_start_time())::text || ' ' || current_setting('port') AS identity,
  current_setting('max_connections')::int AS "maxConnections",
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0) AS "superuserReserved",
  session_user::text AS "user",
  (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user AND NOT rolsuper AND rolconnlimit >= 0) AS "userLimit",
  current_database()::text AS database,
  (SELECT datconnlimit FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
    AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)) AS "databaseLimit"`;
