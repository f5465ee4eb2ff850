import { createRequire } from 'node:module';
import type { Connection, ConnectionOptions } from 'mysql2';
import { LoginSettingError } from './login.js';

/** What is used of the driver. */
export interface MysqlModule {
  createConnection(options: ConnectionOptions): Connection;
}

/**
 * Loads `mysql2`, which only those need who use MySQL or MariaDB.
 *
 * @throws LoginSettingError with one line that names the remedy when it is not installed.
 */
export function loadMysql(pool: string): MysqlModule {
  try {
    return createRequire(import.meta.url)('mysql2') as MysqlModule;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    const remedy = 'a mysql:// URL needs the package "mysql2", which is not installed: run "npm install mysql2"';
    throw new LoginSettingError(pool, 'url', undefined, remedy);
  }
}
