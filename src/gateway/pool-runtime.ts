import type { Gate } from '../admission/gate.js';
import type { PoolBreaker } from '../breaker/pool-breaker.js';
import type { PoolConfig } from '../config/config.js';
import type { ConnectionPool } from '../pools/contract.js';

/** One pool with what stands in front of it. */
export interface PoolRuntime {
  readonly name: string;
  readonly config: PoolConfig;
  readonly pool: ConnectionPool;
  readonly gate: Gate;
  /** Absent where the configuration switches it off. */
  readonly breaker: PoolBreaker | undefined;
}
