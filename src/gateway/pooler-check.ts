import type { GatewayConfig } from '../config/config.js';
import type { Connection } from '../pools/contract.js';
import { PoolerConsole, type PoolerSetup } from '../pools/pooler-console.js';
import type { BudgetReport } from './budget-check.js';
import { checkMode, type TriedPool } from './pooler-mode.js';
import { entryOf, serverOf } from './server-names.js';

/** A pool that goes through a pooler, and what a check of it needs. */
export interface PooledPool extends TriedPool {
  readonly all: GatewayConfig;
}

/** What was found of a pooler. */
export interface PoolerReport extends BudgetReport {
  /** Absent where nobody can tell. */
  readonly mode?: string;
  /** What its console tells of its size, without the reserve; absent without one. */
  readonly consoleSize?: number;
  /** What it may open at the server for the entry of this pool, its reserve included; absent where nobody can tell. */
  readonly serverSize?: number;
  /** Its `server_login_retry`, in milliseconds; absent where nobody can tell. */
  readonly loginRetryMs?: number;
}

/** Beyond this a server that is back is found too late. */
const SLOW_RETRY_MS = 500;

/**
 * Looks at the pooler behind the first connection of a pool: its mode has to be `transaction`, and it has to have as
 * many connections as all pools that share them may use at once, in every instance.
 *
 * @throws PoolerModeError in statement mode.
 */
export async function checkPooler(pooled: PooledPool, connection: Connection): Promise<PoolerReport> {
  const { config, warn } = pooled;
  const setup = await readSetup(pooled);
  const mode = await checkMode(pooled, connection, setup?.mode);
  if (setup !== undefined) checkRecovery(pooled, setup.loginRetryMs);
  const found = {
    ...(mode === undefined ? {} : { mode }),
    ...(setup === undefined ? {} : { loginRetryMs: setup.loginRetryMs, consoleSize: setup.size }),
  };
  const size = config.poolerSize ?? setup?.size;
  if (config.poolerSize !== undefined && setup !== undefined) checkTold(pooled, setup);
  if (size !== undefined) {
    const reserve = config.poolerSize === undefined ? (setup?.reserve ?? 0) : 0;
    return { ...checkSize(pooled, size, reserve), ...found, serverSize: size + reserve };
  }
  warn(
    'pooler_size_unknown',
    `pool "${config.name}": nobody can tell whether its pooler has the ${config.max} connections of its max; ` +
      'set poolerSize to its pool_size, or poolerAdminUrl to read it',
  );
  return { ok: true, message: '', ...found };
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

/** What the configuration says of the size counts, and who believes it asks for more than there is. */
function checkTold(pooled: PooledPool, { size, reserve }: PoolerSetup): void {
  const { ok, message } = checkSize(pooled, size, reserve);
  if (ok) return;
  const said = `poolerSize is ${pooled.config.poolerSize}, and its console tells otherwise: `;
  pooled.warn('pooler_size_differs', `pool "${pooled.config.name}": ${said}${message}, or correct poolerSize`);
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
