import type { Clock } from '../clock.js';
import type { GatewayConfig, PoolConfig } from '../config/config.js';
import type { Connection, ConnectionPool } from '../pools/contract.js';
import { PoolerConsole, type PoolerSetup } from '../pools/pooler-console.js';
import type { BudgetReport } from './budget-check.js';
import { entryOf, serverOf } from './server-names.js';

/** The pooler in front of a server hands sessions on in a way that no transaction survives. */
export class PoolerModeError extends Error {
  override readonly name = 'PoolerModeError';
}

/** A pool that goes through a pooler, and what a check of it needs. */
export interface PooledPool {
  readonly pool: ConnectionPool;
  readonly config: PoolConfig;
  readonly all: GatewayConfig;
  readonly clock: Clock;
  warn(code: string, message: string): void;
}

/** What was found of a pooler. */
export interface PoolerReport extends BudgetReport {
  /** What it may open at the server for the entry of this pool, its reserve included; absent where nobody can tell. */
  readonly serverSize?: number;
  /** Its `server_login_retry`, in milliseconds; absent where nobody can tell. */
  readonly loginRetryMs?: number;
}

/** Beyond this a server that is back is found too late. */
const SLOW_RETRY_MS = 500;

/** For a second session, to see whether both share one of the server. */
const SECOND_SESSION_MS = 1_000;
const LOOKS = 5;

/**
 * Looks at the pooler behind the first connection of a pool: its mode has to be `transaction`, and it has to have as
 * many connections as all pools that share them may use at once, in every instance.
 *
 * @throws PoolerModeError in statement mode.
 */
export async function checkPooler(pooled: PooledPool, connection: Connection): Promise<PoolerReport> {
  const { config, warn } = pooled;
  const setup = await readSetup(pooled);
  await checkMode(pooled, connection, setup?.mode);
  if (setup !== undefined) checkRecovery(pooled, setup.loginRetryMs);
  const recovery = setup === undefined ? {} : { loginRetryMs: setup.loginRetryMs };
  const size = config.poolerSize ?? setup?.size;
  if (size !== undefined) {
    const reserve = config.poolerSize === undefined ? (setup?.reserve ?? 0) : 0;
    return { ...checkSize(pooled, size, reserve), ...recovery, serverSize: size + reserve };
  }
  warn(
    'pooler_size_unknown',
    `pool "${config.name}": nobody can tell whether its pooler has the ${config.max} connections of its max; ` +
      'set poolerSize to its pool_size, or poolerAdminUrl to read it',
  );
  return { ok: true, message: '', ...recovery };
}

async function readSetup({ config, clock, warn }: PooledPool): Promise<PoolerSetup | undefined> {
  if (config.poolerAdminUrl === undefined) return undefined;
  try {
    return await new PoolerConsole(config.poolerAdminUrl, config.url, clock).setup();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    warn('pooler_console_unreachable', `pool "${config.name}": poolerAdminUrl cannot be used (${reason})`);
    return undefined;
  }
}

/** A pooler that met its server away asks it again only after this time, and tells its clients no until then. */
function checkRecovery({ config, warn }: PooledPool, loginRetryMs: number): void {
  if (loginRetryMs <= SLOW_RETRY_MS) return;
  warn(
    'pooler_recovers_late',
    `pool "${config.name}": after an outage its pooler tries the server again only every ${loginRetryMs / 1_000} s, and ` +
      'nobody gets through before: set server_login_retry = 0.2 in the pooler',
  );
}

async function checkMode(pooled: PooledPool, connection: Connection, told: string | undefined): Promise<void> {
  const { config, warn } = pooled;
  const mode = told ?? (await triedMode(pooled, connection));
  const remedy = 'set pool_mode = transaction in the pooler, for this database or for all';
  if (mode === 'statement') {
    throw new PoolerModeError(
      `pool "${config.name}" goes through a pooler in statement mode, where no transaction can be opened: ${remedy}`,
    );
  }
  if (mode !== 'session') return;
  // Seen from here, a server that nothing stands before behaves alike.
  const direct = told === undefined ? '; or set pooler to none, if the url leads to the server itself' : '';
  warn(
    'pooler_session_mode',
    `pool "${config.name}" goes through a pooler in session mode, where each of its connections keeps one of the ` +
      `server for itself: ${remedy}${direct}`,
  );
}

/** What can be seen without the console: statement mode refuses to begin, and session mode shares nothing. */
async function triedMode(pooled: PooledPool, connection: Connection): Promise<string | undefined> {
  try {
    await connection.begin(undefined);
    await connection.rollback();
  } catch (error) {
    if (error instanceof Error && /statement pooling/.test(error.message)) return 'statement';
    throw error;
  }
  const { pool, config, clock } = pooled;
  if (config.max < 2) return undefined;
  const second = await pool
    .acquire({ deadlineAtMs: clock.nowMs() + SECOND_SESSION_MS, rank: 0 })
    // Another client may have all that the pooler gives: that says nothing of its mode.
    .catch(() => undefined);
  if (second === undefined) return undefined;
  try {
    for (let look = 0; look < LOOKS; look += 1) {
      if ((await processOf(connection)) === (await processOf(second))) return 'transaction';
    }
    return 'session';
  } finally {
    await second.release();
  }
}

async function processOf(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', undefined, undefined);
  return rows[0]?.pid;
}

/** @param reserve - Counts for nobody: the pooler gives it only to who has waited for `reserve_pool_timeout`. */
function checkSize({ config, all }: PooledPool, size: number, reserve: number): BudgetReport {
  const entry = entryOf(config.url);
  const sharing = [...all.pools.values()].filter(({ url }) => entryOf(url) === entry);
  const perInstance = sharing.reduce((sum, { max }) => sum + max, 0);
  const needed = perInstance * all.instances;
  const sum = `${sharing.map(({ name, max }) => `${name} ${max}`).join(' + ')} = ${perInstance} connections`;
  const message =
    `${sum} x ${all.instances} ${all.instances === 1 ? 'instance' : 'instances'} = ${needed}, and the pooler ` +
    `"${serverOf(config.url)}" has ${size} for them` +
    (reserve === 0 ? '' : ` (without its reserve_pool of ${reserve}, which only those get who have waited for long)`);
  if (needed <= size) return { ok: true, message };
  const fits = Math.floor(size / all.instances);
  const remedy =
    fits < 1 ? 'run fewer instances' : `lower the sizes of these pools to ${fits} in all, run fewer instances`;
  return { ok: false, message: `${message}: ${remedy} or raise pool_size of the pooler` };
}
