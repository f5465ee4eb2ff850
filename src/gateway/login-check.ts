import type { GatewayConfig } from '../config/config.js';
import { showMistake } from '../config/mask.js';
import { ConfigError, type ConfigProblem } from '../config/problem.js';
import { LoginSettingError } from '../pools/login.js';
import { loadMysql } from '../pools/mysql-module.js';
import { isMysqlUrl, MysqlTarget } from '../pools/mysql-target.js';
import { PgTarget } from '../pools/pg-target.js';

/** The user of a pool is known to the server and may not connect to the database. Nothing but a grant helps. */
export class MissingRightsError extends Error {
  override readonly name = 'MissingRightsError';
}

/**
 * Reads what the pools need to log in, the files of TLS and the driver among it, before any of them is opened.
 *
 * @throws ConfigError with every mistake.
 */
export function checkLogins(config: GatewayConfig): void {
  const problems = [...config.pools.values()].flatMap(({ name, ...settings }): ConfigProblem[] => {
    try {
      if (isMysqlUrl(settings.url)) {
        new MysqlTarget(name, settings);
        loadMysql(name);
      } else {
        new PgTarget(name, settings);
      }
      return [];
    } catch (error) {
      if (!(error instanceof LoginSettingError)) throw error;
      const { field, value, remedy } = error;
      const path = `pools.${name}.${field}`;
      const where = config.origins.get(path)?.variable ?? path;
      return [{ where, remedy, ...(value === undefined ? {} : { value: showMistake(value, false) }) }];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
}
