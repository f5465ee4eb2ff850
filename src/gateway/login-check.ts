import type { GatewayConfig } from '../config/config.js';
import { showMistake } from '../config/mask.js';
import { ConfigError, type ConfigProblem } from '../config/problem.js';
import { LoginSettingError } from '../pools/login.js';
import { loadMysql } from '../pools/mysql-module.js';
import { isMysqlUrl, MysqlTarget, type MysqlTargetSettings } from '../pools/mysql-target.js';
import { readPgParameters } from '../pools/pg-parameters.js';
import { PgTarget } from '../pools/pg-target.js';

/** The user of a pool is known to the server and may not connect to the database. Nothing but a grant helps. */
export class MissingRightsError extends Error {
  override readonly name = 'MissingRightsError';
}

/** Something that the url of a pool says, and that does nothing. */
export interface Unheeded {
  readonly pool: string;
  readonly text: string;
}

/** All of it in one line, as several pools mostly share one url; `undefined` where there is none. */
export function unheededText(unheeded: readonly Unheeded[]): string | undefined {
  if (unheeded.length === 0) return undefined;
  const pools = [...new Set(unheeded.map(({ pool }) => `"${pool}"`))].join(', ');
  return `pools ${pools}: ${[...new Set(unheeded.map(({ text }) => text))].join('; ')}`;
}

/**
 * Reads what the pools need to log in, the files of TLS and the driver among it, before any of them is opened.
 *
 * @returns What the urls say and nobody heeds.
 * @throws ConfigError with every mistake.
 */
export function checkLogins(config: GatewayConfig): readonly Unheeded[] {
  const problems: ConfigProblem[] = [];
  const unheeded: Unheeded[] = [];
  const attempt = (pool: string, read: () => readonly string[], field?: string): void => {
    try {
      unheeded.push(...read().map((text) => ({ pool, text })));
    } catch (error) {
      if (!(error instanceof LoginSettingError)) throw error;
      const problem = problemOf(error, `pools.${pool}.${field ?? error.field}`, config);
      // Several pools share one variable, and one line about it is enough.
      const told = problems.some((other) => other.where === problem.where && other.remedy === problem.remedy);
      if (!told) problems.push(problem);
    }
  };
  for (const { name, ...settings } of config.pools.values()) {
    const { url, poolerAdminUrl } = settings;
    attempt(name, () => (isMysqlUrl(url) ? checkMysql(name, settings) : new PgTarget(name, settings).unheeded));
    if (poolerAdminUrl === undefined) continue;
    attempt(name, () => readPgParameters(name, poolerAdminUrl).unheeded, 'poolerAdminUrl');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return unheeded;
}

function checkMysql(pool: string, settings: MysqlTargetSettings): readonly string[] {
  new MysqlTarget(pool, settings);
  loadMysql(pool);
  return [];
}

function problemOf({ value, remedy }: LoginSettingError, path: string, config: GatewayConfig): ConfigProblem {
  const where = config.origins.get(path)?.variable ?? path;
  return { where, remedy, ...(value === undefined ? {} : { value: showMistake(value, false) }) };
}
