import { createPgPool, type PgPoolOptions } from './connection-pool.js';
import type { ConnectionPool } from './contract.js';
import { MysqlDriver } from './mysql-driver.js';
import { isMysqlUrl } from './mysql-target.js';
import { checkSizes, counter } from './pool-checks.js';
import { SessionPool } from './session-pool.js';

/**
 * A pool of sessions of the engine that its url names: `postgres://`, or `mysql://` and `mariadb://`. It starts to
 * connect at once and is `down` until the first session is open.
 *
 * @throws RangeError or LoginSettingError that names the option, its value and the remedy; the url is never repeated.
 */
export function createPool(options: PgPoolOptions): ConnectionPool {
  return isMysqlUrl(options.url) ? createMysqlPool(options) : createPgPool(options);
}

function createMysqlPool(options: PgPoolOptions): ConnectionPool {
  checkSizes(options);
  const driver = new MysqlDriver(
    { ...options, warn: (code, message) => options.listener.onWarning(code, message) },
    options.nextConnectionId ?? counter(),
  );
  return new SessionPool(options, driver);
}
