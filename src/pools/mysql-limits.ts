import type { Connection } from './contract.js';
import type { ServerLimits } from './server-limits.js';

/**
 * Asks a server how many connections it allows. The one beyond that, which it keeps for an administrator, is not among
 * them, so nothing is reserved of the number itself.
 */
export async function readMysqlLimits(connection: Connection): Promise<ServerLimits> {
  const text = 'SELECT @@max_connections AS maxConnections';
  const { rows } = await connection.query<{ maxConnections: number }>(text, undefined, undefined);
  const [limits] = rows;
  if (limits === undefined) throw new Error('the server did not tell its connection limit');
  return { maxConnections: Number(limits.maxConnections), superuserReserved: 0 };
}
