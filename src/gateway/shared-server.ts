import type { PoolConfig } from '../config/config.js';
import type { PoolRuntime } from './pool-runtime.js';
import { serverOf } from './server-names.js';

/**
 * Has the other pools look whether their server is still there: one server or one network is often behind all of them,
 * and a pool that nobody uses would not notice.
 *
 * @param leaving - The server of the lost pool shuts down in order.
 */
export function doubtOthers(pools: ReadonlyMap<string, PoolRuntime>, lost: PoolConfig, leaving: boolean): void {
  const server = serverOf(lost.url);
  for (const { name, config, pool } of pools.values()) {
    if (name === lost.name || pool.state !== 'up') continue;
    // Nor would its sessions end, and the server can stop only without any.
    if (leaving && serverOf(config.url) === server) pool.recycle();
    else pool.doubt();
  }
}
