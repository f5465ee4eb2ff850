import type { GatewayConfig } from '../config/config.js';
import { checkBudget, type PoolerShare } from '../core/budget.js';
import { checkConnectionLimit } from '../core/connection-limit.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import type { ServerLimits } from '../pools/server-limits.js';
import type { KnownPool, KnownServers, ServerPools } from './known-servers.js';

/** Whether pools fit one bound of their server. */
export interface ServerVerdict {
  readonly check: 'budget' | 'user-limit' | 'database-limit';
  readonly ok: boolean;
  /** The sum, and the remedy where it does not fit. Names servers by host and port only. */
  readonly message: string;
  /** What the bound leaves to all direct pools of the server in all instances; absent where it holds for some only. */
  readonly room?: number;
}

/**
 * Compares what the pools on the server of one pool may open, in so many instances, with every bound that the server
 * was heard to have. What a pooler has there counts as soon as pools go there beside it; how poolers alone add up is
 * their own business.
 */
export function serverVerdicts(
  pool: string,
  servers: KnownServers,
  config: GatewayConfig,
  instances: number,
): ServerVerdict[] {
  const limits = servers.limitsOf(pool);
  if (limits === undefined) return [];
  const here = servers.with(pool);
  const budget = here.direct.length === 0 ? [] : [budgetOf(here, limits, servers, config, instances)];
  const bounds = [
    { check: 'user-limit', whose: `user "${limits.user}"`, limit: limits.userLimit, of: ofUser(limits) },
    {
      check: 'database-limit',
      whose: `database "${limits.database}"`,
      limit: limits.databaseLimit,
      of: ofDatabase(limits),
    },
  ] as const;
  const own = config.pools.get(pool);
  const onMysql = isMysqlUrl(own?.url ?? '');
  const setting = onMysql ? 'max_user_connections' : 'CONNECTION LIMIT';
  const narrower = bounds.flatMap(({ check, whose, limit, of }): ServerVerdict[] => {
    if (limit === null) return [];
    const direct = here.direct.filter(of);
    const shares = onMysql ? killing(direct, instances) : servers.shares(here.pooled.filter(of), true);
    const where = `server "${here.name}"`;
    const pools = direct.map(({ config: { name, max } }) => ({ name, max }));
    const { ok, detail } = checkConnectionLimit(pools, shares, { whose, where, limit, instances, setting });
    const all = direct.length === here.direct.length;
    const room = roomBeside(onMysql ? killing(direct, config.instances) : shares, limit);
    return [{ check, ok, message: detail, ...(all ? { room } : {}) }];
  });
  return [...budget, ...narrower];
}

/** On MySQL a statement is stopped over a connection of its own, with the login of its pool: without room, none is. */
function killing({ length }: readonly KnownPool[], instances: number): PoolerShare[] {
  return [{ name: 'those that stop statements (KILL, one for each pool and instance)', size: length * instances }];
}

/** What is left for the pools. A fleet divides that, and only its configuration tells here how many it has. */
function roomBeside(shares: readonly PoolerShare[], limit: number): number {
  return Math.max(
    0,
    shares.reduce((sum, { size }) => sum - size, limit),
  );
}

function budgetOf(
  { name: server, direct, pooled }: ServerPools,
  { maxConnections, superuserReserved }: ServerLimits,
  servers: KnownServers,
  config: GatewayConfig,
  instances: number,
): ServerVerdict {
  const onMysql = direct.some(({ config: { url } }) => isMysqlUrl(url));
  const poolers = onMysql ? killing(direct, instances) : servers.shares(pooled);
  const pools = direct.map(({ config: { name, max } }) => ({ name, max, server }));
  const reserve = config.budgetReserve;
  const budget = { server, maxConnections, superuserReserved, reserve, instances, poolers };
  const { ok, detail, available, reserved } = checkBudget(pools, budget);
  const room = roomBeside(onMysql ? killing(direct, config.instances) : poolers, available - reserved);
  return { check: 'budget', ok, message: detail, room };
}

const ofUser =
  ({ user }: ServerLimits) =>
  ({ limits }: KnownPool): boolean =>
    limits?.user === user;

const ofDatabase =
  ({ database }: ServerLimits) =>
  ({ limits }: KnownPool): boolean =>
    limits?.database === database;
