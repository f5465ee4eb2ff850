import type { PoolConfig } from '../config/config.js';
import type { Connection } from '../pools/contract.js';
import { readMysqlLimits } from '../pools/mysql-limits.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import { readServerLimits, type ServerLimits } from '../pools/server-limits.js';
import type { KnownServers } from './known-servers.js';
import { checkPooler, type PooledPool, type PoolerReport } from './pooler-check.js';
import type { ServerVerdict } from './server-verdicts.js';

/** Whether pools have the room that they ask for. */
export interface BudgetReport {
  readonly ok: boolean;
  /** The sum, and the remedy where it does not fit. Names servers by host and port only. */
  readonly message: string;
  /** What the server has for these pools in all instances; absent where a pooler divides it. */
  readonly room?: number;
}

/** The pools of the configuration ask for more connections than their server gives. The message shows the sum. */
export class OverBudgetError extends Error {
  override readonly name = 'OverBudgetError';
}

/**
 * Looks at what a pool is connected to, and notes it.
 *
 * @returns What was found of the pooler; `undefined` without one.
 * @throws PoolerModeError where a pooler cannot be used.
 */
export async function lookBehind(
  pooled: PooledPool,
  connection: Connection,
  servers: KnownServers,
): Promise<PoolerReport | undefined> {
  const { pool, config } = pooled;
  if (!pool.shared) {
    servers.direct(config.name, await askServer(config, connection));
    return undefined;
  }
  const report = await checkPooler(pooled, connection);
  // A pooler may stand in front of something that is only like PostgreSQL.
  const limits = await askServer(config, connection).catch(() => undefined);
  if (limits !== undefined) servers.throughPooler(config.name, limits, report.serverSize);
  return report;
}

function askServer({ url }: PoolConfig, connection: Connection): Promise<ServerLimits> {
  return (isMysqlUrl(url) ? readMysqlLimits : readServerLimits)(connection);
}

/** The first bound that does not hold, or all is well; the room is what the narrowest leaves. */
export function reportOf(verdicts: readonly ServerVerdict[]): BudgetReport {
  const { ok, message } = verdicts.find((each) => !each.ok) ?? verdicts[0] ?? { ok: true, message: '' };
  const rooms = verdicts.flatMap(({ room }) => room ?? []);
  return rooms.length === 0 ? { ok, message } : { ok, message, room: Math.min(...rooms) };
}
