import { type Clock, systemClock } from '../../clock.js';
import type { GatewayConfig, PoolConfig } from '../../config/config.js';
import type { Connection, ConnectionPool } from '../../pools/contract.js';
import { createPool } from '../../pools/create-pool.js';

/** A session that could be opened. */
export interface OpenPool {
  readonly pool: ConnectionPool;
  readonly connection: Connection;
}

/** Why none could be opened. */
export interface FailedLogin {
  /** That of the log; empty where there is none for it. */
  readonly code: string;
  readonly message: string;
}

/** Beyond the bound of the pool itself, for the first statements of a session. */
const GRACE_MS = 3_000;
const CLOSE_MS = 1_000;

/** As {@link systemClock}, but its timers keep the process alive: here nothing else may. */
export const waitingClock: Clock = {
  ...systemClock,
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

/**
 * Opens sessions the way a gateway would, looks, and closes them. Unlike a gateway it does not try again: the first
 * failure is the finding.
 *
 * @param look - Called with the session.
 * @param failed - Called with what is wrong when none can be opened.
 */
export async function probePool<Result>(
  config: PoolConfig,
  all: GatewayConfig,
  look: (open: OpenPool, warnings: readonly string[]) => Promise<Result>,
  failed: (reason: FailedLogin) => Result,
): Promise<Result> {
  const warnings: string[] = [];
  let refuse: (reason: FailedLogin) => void = () => undefined;
  const refused = new Promise<FailedLogin>((resolve) => {
    refuse = resolve;
  });
  // Warnings may come before the pool is there.
  let failures = (): number => 0;
  const pool = createPool({
    ...config,
    // Two, because only a second session shows whether a pooler shares them.
    max: Math.min(2, config.max),
    minIdle: 0,
    applicationName: `${all.applicationName}-doctor`.slice(0, 63),
    clock: waitingClock,
    random: Math.random,
    listener: {
      onDown: () => undefined,
      onUp: () => undefined,
      onGranted: () => undefined,
      onWarning: (code, message) => {
        if (failures() > 0) refuse({ code, message });
        else warnings.push(message);
      },
    },
  });
  failures = () => pool.gauges().connectFailures;
  try {
    const boundMs = config.connectTimeoutMs + GRACE_MS;
    const opened = pool.acquire({ deadlineAtMs: waitingClock.nowMs() + boundMs, rank: 0 });
    const connection = await Promise.race([opened, refused]);
    if (!('release' in connection)) {
      opened.catch(() => undefined);
      return failed(connection);
    }
    try {
      return await look({ pool, connection }, warnings);
    } finally {
      await connection.release();
    }
  } catch (error) {
    return failed({ code: '', message: error instanceof Error ? error.message : String(error) });
  } finally {
    await pool.close(waitingClock.nowMs() + CLOSE_MS);
  }
}
