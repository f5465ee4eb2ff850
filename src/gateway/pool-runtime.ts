import type { Gate } from '../admission/gate.js';
import type { PoolBreaker } from '../breaker/pool-breaker.js';
import type { PoolConfig } from '../config/config.js';
import type { PoolAdvisor } from '../core/advisor.js';
import type { ConnectionPool } from '../pools/contract.js';
import type { PoolConnects } from '../telemetry/pool-connects.js';
import type { ConnectionWaits } from './connection-waits.js';
import type { LoanListener } from './loans.js';
import type { PoolRetries } from './pool-retries.js';
import type { PoolTuning } from './pool-tuning.js';
import type { PoolerMonitor } from './pooler-monitor.js';
import type { SeatBounds } from './seat-bounds.js';
import type { ServerMonitor } from './server-monitor.js';
import type { StandingHands } from './standing-hands.js';
import type { StatementReader } from './statement-reader.js';
import type { UndoneState } from './undone-state.js';

/** One pool with what stands in front of it. */
export interface PoolRuntime {
  readonly name: string;
  readonly config: PoolConfig;
  readonly pool: ConnectionPool;
  readonly gate: Gate;
  /** Its seats while nothing lowers their number. */
  readonly seats: number;
  readonly bounds: SeatBounds;
  /** What the texts of its statements mean for the transactions around them. */
  readonly kinds: StatementReader;
  /** What requests keep of it that wait for more. */
  readonly standing: StandingHands;
  /** Who waits for a connection of it. */
  readonly waits: ConnectionWaits;
  /** Told of statements that change their session in vain. */
  readonly undone: UndoneState;
  /** How long its connections took to open. */
  readonly connects: PoolConnects;
  /** Its transactions that are tried again. */
  readonly retries: PoolRetries;
  /** Absent where seats are not enforced, so that nothing is known of their use. */
  readonly advisor: PoolAdvisor | undefined;
  /** Absent where its pooler, if it has one, has no console that may be asked. */
  readonly pooler: PoolerMonitor | undefined;
  /** Asks its server how it fares; does nothing before somebody wants to know. */
  readonly server?: ServerMonitor | undefined;
  /** Absent where the configuration switches it off. */
  readonly breaker: PoolBreaker | undefined;
  // Pools know each other only once all are there, so what connects them is set later.
  /** Absent unless the seats of the pool adapt or yield. */
  tuning: PoolTuning | undefined;
  /** Told of every connection that was lent; absent unless another pool yields to this one. */
  onLoanEnd: LoanListener | undefined;
}
