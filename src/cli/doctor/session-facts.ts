import type { Connection } from '../../pools/contract.js';

/** What a session tells about its server and about itself. */
export interface SessionFacts {
  /** `PostgreSQL 18.1`. */
  readonly server: string;
  /** The first two parts of the version. */
  readonly major: number;
  readonly minor: number;
  readonly engine: 'PostgreSQL' | 'MySQL' | 'MariaDB';
  /** The version of TLS; `undefined` where the session goes without. */
  readonly tls: string | undefined;
  /** The server's clock, in milliseconds since 1970. */
  readonly serverMs: number;
}

/** Asks a session of PostgreSQL. */
export async function pgFacts(connection: Connection): Promise<SessionFacts> {
  const { rows } = await connection.query<PgRow>(PG_FACTS, undefined, undefined);
  const [row] = rows;
  if (row === undefined) throw new Error('the server told nothing about itself');
  const { number, tls } = row;
  return {
    engine: 'PostgreSQL',
    server: `PostgreSQL ${row.version.split(' ')[0] ?? ''}`,
    major: Math.floor(number / 10_000),
    minor: number % 10_000,
    tls: tls ?? undefined,
    serverMs: Number(row.ms),
  };
}

interface PgRow {
  readonly version: string;
  readonly number: number;
  readonly tls: string | null;
  readonly ms: string | number;
}

const PG_FACTS = `SELECT current_setting('server_version') AS version,
  current_setting('server_version_num')::int AS number,
  (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl) AS tls,
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`;

/** Asks a session of MySQL or MariaDB. */
export async function mysqlFacts(connection: Connection): Promise<SessionFacts> {
  const ask = async <Row>(text: string): Promise<Row | undefined> =>
    (await connection.query<Row>(text, undefined, undefined)).rows[0];
  const own = await ask<{ version: string; ms: string | number }>(
    'SELECT VERSION() AS version, UNIX_TIMESTAMP(NOW(6)) * 1000 AS ms',
  );
  if (own === undefined) throw new Error('the server told nothing about itself');
  const tls = await ask<{ Value: string }>("SHOW SESSION STATUS LIKE 'Ssl_version'");
  const engine = /mariadb/i.test(own.version) ? 'MariaDB' : 'MySQL';
  // MariaDB may put a version of MySQL in front of its own, for old clients.
  const version = own.version.replace(/^5\.5\.5-/, '').split('-')[0] ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return {
    engine,
    server: `${engine} ${version}`,
    major,
    minor,
    tls: tls === undefined || tls.Value === '' ? undefined : tls.Value,
    serverMs: Number(own.ms),
  };
}
