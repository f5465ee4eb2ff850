import type { Connection, ConnectionPool } from '../pools/contract.js';
import type { ServerLimits } from '../pools/server-limits.js';
import type { KnownServers } from './known-servers.js';
import type { PoolRuntime } from './pool-runtime.js';

/** A connection for one look at the server of a pool; whoever took it gives it back. */
export interface ServerLook {
  readonly connection: Connection;
  /** Whose sessions are looked for; absent where the connection is one of theirs. */
  readonly of: Pick<ServerLimits, 'user' | 'database'> | undefined;
}

/**
 * A connection that nobody uses, to look at the server of a pool with: one of its own, else one of another pool on that
 * server, of an admin pool first. Others keep one for whoever comes. `undefined` where none is free.
 */
export function takeLook(
  pool: ConnectionPool,
  pools: ReadonlyMap<string, PoolRuntime>,
  servers: KnownServers,
): ServerLook | undefined {
  if (pool.state !== 'up') return undefined;
  const own = pool.tryAcquire();
  if (own !== undefined) return { connection: own, of: undefined };
  const of = servers.limitsOf(pool.name);
  if (of === undefined) return undefined;
  const { direct, pooled } = servers.with(pool.name);
  const beside = [...direct, ...pooled]
    .filter(({ config, limits }) => config.name !== pool.name && limits?.identity === of.identity)
    .sort((one, other) => Number(other.config.admin) - Number(one.config.admin));
  for (const { config } of beside) {
    const connection = spare(pools.get(config.name));
    if (connection !== undefined) return { connection, of };
  }
  return undefined;
}

function spare(runtime: PoolRuntime | undefined): Connection | undefined {
  if (runtime === undefined || runtime.pool.state !== 'up') return undefined;
  return runtime.config.admin || runtime.pool.gauges().idle > 1 ? runtime.pool.tryAcquire() : undefined;
}
