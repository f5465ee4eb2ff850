import type { Clock } from '../clock.js';
import type { ServerShare } from '../core/fleet-share.js';
import { isMysqlUrl } from '../pools/mysql-target.js';
import type { PoolRuntime } from './pool-runtime.js';

/** What was found of the dead on one server. */
export interface DeadSessions {
  readonly looking: boolean;
  /** Dead instances of which nothing is left. */
  readonly gone: readonly string[];
}

/** For a connection to look with. */
const PATIENCE_MS = 500;

const SESSIONS =
  "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name = current_setting('application_name')" +
  " AND backend_type = 'client backend'";

/**
 * Whether sessions of dead instances are left on a server: it has more of the fleet than the living say that they have.
 * Told apart by `application_name`, which a fleet shares.
 *
 * @returns The dead of whom nothing is left; `undefined` where nobody can tell, as on MySQL, which shows an ordinary
 *   user no names: there the bound of the book decides.
 */
export async function lookForDead(
  clock: Clock,
  runtimes: readonly PoolRuntime[],
  { othersOpen, ghosts }: ServerShare,
): Promise<readonly string[] | undefined> {
  const up = runtimes.filter(({ pool, config }) => pool.state === 'up' && pool.max > 0 && !isMysqlUrl(config.url));
  const runtime = up.find(({ pool }) => pool.gauges().idle > 0) ?? up[0];
  if (runtime === undefined) return undefined;
  try {
    const connection = await runtime.pool.acquire({ deadlineAtMs: clock.nowMs() + PATIENCE_MS, rank: 0 });
    try {
      const { rows } = await connection.query<{ sessions: number }>(SESSIONS, undefined, PATIENCE_MS);
      const own = runtimes.reduce((sum, { pool }) => sum + pool.gauges().total, 0);
      return (rows[0]?.sessions ?? Number.POSITIVE_INFINITY) <= own + othersOpen ? ghosts : undefined;
    } finally {
      await connection.release();
    }
  } catch {
    return undefined;
  }
}
