import type { Clock } from '../clock.js';
import type { ConnectionPool, PoolListener } from './contract.js';
import { PgDriver } from './pg-driver.js';
import type { PgTargetSettings } from './pg-target.js';
import { checkSizes, counter } from './pool-checks.js';
import type { PoolerSetting } from './pooler-watch.js';
import { SessionPool } from './session-pool.js';

/** How {@link createPgPool} makes a pool. Durations in milliseconds. */
export interface PgPoolOptions extends PgTargetSettings {
  /** For messages. */
  readonly name: string;
  /** `postgres://user:password@host:port/database`; `sslmode` and the other parameters of the driver are honoured. */
  readonly url: string;
  /** Sessions at most, whatever their state; at least 1. */
  readonly max: number;
  /** Sessions at most at first, until the pool is resized; 0 to `max`, which is the default. */
  readonly startMax?: number | undefined;
  /** Sessions that are kept open also when idle; 0 to `max`. */
  readonly minIdle: number;
  /** Bound of one connection attempt, handshake included. */
  readonly connectTimeoutMs: number;
  /** Idle sessions beyond `minIdle` are closed after this time; 0 keeps them. */
  readonly idleTimeoutMs: number;
  /** Sessions are replaced at this age, less up to a tenth drawn per session; 0 keeps them. Never while lent. */
  readonly maxLifetimeMs: number;
  /** A session idle for longer is validated before it is lent. */
  readonly validateAfterIdleMs: number;
  /** Bound of each wait for a lock, by the server; 0 sets none. */
  readonly lockTimeoutMs: number;
  /** Bytes that the answer to one statement may have, as they come from the server; 0 or absent sets no bound. */
  readonly maxResultBytes?: number;
  /** What stands in between; `auto` finds it out, in one more round trip of the first session. Default `none`. */
  readonly pooler?: PoolerSetting;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
  readonly listener: PoolListener;
  /** Numbers the connections. Give all pools of a process the same; the default counts within this pool. */
  readonly nextConnectionId?: () => number;
}

/**
 * A pool of PostgreSQL sessions. It starts to connect at once and is `down` until the first session is open.
 *
 * @throws RangeError or LoginSettingError that names the option, its value and the remedy; the url is never repeated.
 */
export function createPgPool(options: PgPoolOptions): ConnectionPool {
  const { listener } = options;
  checkSizes(options);
  const driver = new PgDriver(
    { ...options, warn: (code, message) => listener.onWarning(code, message) },
    options.nextConnectionId ?? counter(),
  );
  return new SessionPool(options, driver);
}
