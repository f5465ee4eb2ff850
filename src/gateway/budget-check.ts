import type { GatewayConfig } from '../config/config.js';
import { checkBudget } from '../core/budget.js';
import type { Connection } from '../pools/contract.js';
import { readMysqlLimits } from '../pools/mysql-limits.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import { readServerLimits } from '../pools/server-limits.js';

/** Whether the pools on one server fit it. */
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
 * Compares what the pools on one server may open, in so many instances, with what the server really gives.
 */
export async function checkServerBudget(
  connection: Connection,
  poolName: string,
  config: GatewayConfig,
  instances: number,
): Promise<BudgetReport> {
  const readLimits = isMysqlUrl(config.pools.get(poolName)?.url ?? '') ? readMysqlLimits : readServerLimits;
  const { maxConnections, superuserReserved } = await readLimits(connection);
  const pools = [...config.pools.values()].map(({ name, max, url }) => ({ name, max, server: serverOf(url) }));
  const server = pools.find(({ name }) => name === poolName)?.server ?? '';
  const { ok, detail, available, reserved } = checkBudget(pools, {
    server,
    maxConnections,
    superuserReserved,
    reserve: config.budgetReserve,
    instances,
  });
  return { ok, message: detail, room: Math.max(0, available - reserved) };
}

/** Host and port of a connection URL: what names a server without its secrets. A socket's URL may have no host. */
export function serverOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url.replace('@/', '@localhost/'));
  const host = searchParams.get('host') || searchParams.get('socketPath') || hostname || 'localhost';
  return `${host}:${searchParams.get('port') || port || (isMysqlUrl(url) ? '3306' : '5432')}`;
}
