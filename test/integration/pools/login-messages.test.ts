import { createGateway, type Gateway } from 'sluice';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../../src/pools/create-pool.js';
import { Journal, STILL, until } from '../../contract/support.js';
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.js';
import { CONNECTS_IN_PEACE, hastyStart } from '../gateway/hasty-start.js';
import { LogBook } from '../http/harness.js';

// What a start says where a server of MySQL refuses the login for a reason that its words do not tell.

let mariadb: MariadbServer;
let gateway: Gateway | undefined;

beforeAll(async () => {
  mariadb = await startMariadb();
  await mariadb.ask("CREATE USER needs_tls IDENTIFIED BY 'pw' REQUIRE SSL");
  await mariadb.ask("CREATE USER of_old IDENTIFIED VIA mysql_old_password USING '378b243e220ca493'");
  await mariadb.ask("CREATE USER sparing IDENTIFIED BY 'pw' WITH MAX_QUERIES_PER_HOUR 1");
  await mariadb.ask("CREATE USER no_rights IDENTIFIED BY 'pw'");
  await mariadb.ask("CREATE USER elsewhere IDENTIFIED BY 'pw'");
  await mariadb.ask('GRANT SELECT ON *.* TO elsewhere');
  for (const user of ['needs_tls', 'of_old', 'sparing']) await mariadb.ask(`GRANT ALL ON app.* TO ${user}`);
});
afterEach(() => gateway?.drain({ timeoutMs: 0 }));
afterAll(() => mariadb.close());

it.each([
  ['mysql', 'needs_tls', 'database_credentials_refused', 'it may also want TLS (REQUIRE SSL'],
  ['mysql', 'of_old', 'database_unsupported', 'give the user mysql_native_password or caching_sha2_password'],
  ['mysql', 'sparing', 'database_quota_spent', 'raise its MAX_QUERIES_PER_HOUR'],
  [
    'postgres',
    'needs_tls',
    'database_unsupported',
    'what answers does not speak as PostgreSQL does; correct the scheme',
  ],
])('%s://%s@… to MariaDB: %s', async (scheme, user, code, words) => {
  const log = new LogBook();
  gateway = await createGateway(
    {
      pools: { main: { url: `${scheme}://${user}:pw@127.0.0.1:${mariadb.port}/app`, max: 1, ...CONNECTS_IN_PEACE } },
      routes: { work: { pool: 'main' } },
    },
    { env: {}, logger: log, clock: hastyStart },
  );
  await expect.poll(() => log.entries.map((entry) => entry.code), { timeout: 20_000 }).toContain(code);
  expect(log.of(code).join()).toContain(words);
});

it.each([
  [
    'no_rights',
    'app',
    'database_rights_missing',
    'grant it what it needs (GRANT ... ON <database>.* TO the user), create',
  ],
  ['no_rights', 'nowhere', 'database_rights_missing', 'may not use this database, or there is none; grant it what'],
  ['elsewhere', 'nowhere', 'database_unknown', 'the server has no such database; create it, or correct the url'],
])('mysql://%s@…/%s names no remedy of PostgreSQL: %s', async (user, database, code, words) => {
  const { warnings } = await warned(`mysql://${user}:pw@127.0.0.1:${mariadb.port}/${database}`);
  expect(warnings.map((warning) => warning.code)).toEqual([code]);
  expect(warnings[0]?.message).toContain(words);
  expect(warnings[0]?.message).not.toContain('CONNECT');
});

/** What a pool told its owner by the time of its first warning. */
async function warned(url: string): Promise<Journal> {
  const listener = new Journal();
  const pool = createPool({ ...STILL, name: 'main', url, applicationName: 'login', listener });
  try {
    await until(() => listener.warnings.length > 0);
    return listener;
  } finally {
    await pool.close(0);
  }
}
