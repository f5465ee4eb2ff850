import type { Connection } from './contract.js';
import type { ServerLimits } from './server-limits.js';

/** What names a server: MySQL has the first, newer MariaDB the second, and every one the others. */
const NAMES = ['server_uuid', 'server_uid', 'hostname', 'port', 'datadir'];

/** Shown rather than selected, because asking for one that a server does not know is an error. */
const VARIABLES = `SHOW SESSION VARIABLES WHERE Variable_name IN (${[
  ...NAMES,
  'max_connections',
  'max_user_connections',
]
  .map((name) => `'${name}'`)
  .join(', ')})`;

interface Variable {
  readonly Variable_name: string;
  readonly Value: string;
}

/**
 * Asks a server how many connections it allows, and who it is. The one beyond that, which it keeps for an administrator,
 * is not among them, so nothing is reserved of the number itself.
 */
export async function readMysqlLimits(connection: Pick<Connection, 'query'>): Promise<ServerLimits> {
  const { rows } = await connection.query<Variable>(VARIABLES, undefined, undefined);
  const values = new Map(rows.map(({ Variable_name, Value }) => [Variable_name, Value]));
  const maxConnections = Number(values.get('max_connections'));
  if (!(maxConnections > 0)) throw new Error('the server did not tell its connection limit');
  const who = 'SELECT CURRENT_USER() AS user, DATABASE() AS name';
  const own = (await connection.query<{ user: string; name: string | null }>(who, undefined, undefined)).rows[0];
  return {
    identity: `mysql ${NAMES.map((name) => values.get(name) ?? '').join(' ')}`,
    maxConnections,
    superuserReserved: 0,
    user: own?.user ?? '',
    userLimit: Number(values.get('max_user_connections')) || null,
    database: own?.name ?? '',
    databaseLimit: null,
  };
}
