import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionPool } from '../../../src/pools/contract.js';
import type { PoolerSetting } from '../../../src/pools/pooler-watch.js';
import { Folder } from '../../support/captured.js';
import { type PgbouncerServer, startPgbouncer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { startFrom } from './ini-file.js';
import { ask, makePool, until } from './pool-fixture.js';

// What a url sets for its sessions, where a pooler takes no settings at the start.

let server: PostgresServer;
let pooler: PgbouncerServer;
let password: string;
const open: ConnectionPool[] = [];
const SETTINGS = ['options=-c%20search_path%3Dshop', 'statement_timeout=4000'];

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  ({ password } = new URL(server.url));
  pooler = await startPgbouncer({
    databases: [`shop = host=127.0.0.1 port=${server.port} dbname=postgres pool_size=5`],
    users: { postgres: password },
  });
});
afterEach(async () => {
  for (const pool of open.splice(0)) await pool.close(0);
});
afterAll(async () => {
  await pooler.close();
  await server.close();
});

const through = (setting: string): string => `postgres://postgres:${password}@127.0.0.1:${pooler.port}/shop?${setting}`;

async function firstWarning(url: string, setting: PoolerSetting): Promise<{ code: string; message: string }> {
  const { pool, journal } = makePool({ url }, { pooler: setting });
  open.push(pool);
  await until(() => journal.warnings.length > 0);
  return journal.warnings[0] ?? expect.fail('nobody warned');
}

describe.each(SETTINGS)('a url with %s that leads to a pooler', (parameter) => {
  it.each(['auto', 'pgbouncer'] as const)('is no server that is away, and told what helps: %s', async (setting) => {
    const { code, message } = await firstWarning(through(parameter), setting);
    expect(code).toBe('database_unsupported');
    expect(message).toContain(
      'take it out of the url (and PGOPTIONS) and put it on the role or the database (ALTER ROLE',
    );
    expect(message).toContain('ignore_startup_parameters');
    expect(message).toContain(parameter.split('=')[0] ?? '');
  });

  it('is told by the doctor, too', async () => {
    const folder = new Folder();
    try {
      const pools = { main: { url: through(parameter), max: 2 } };
      const options = folder.write('gateway.json', { pools, routes: { read: { pool: 'main' } } });
      const { code, out } = await folder.call(['doctor', '--config', options]);
      expect(code).toBe(1);
      expect(out).toContain('the pooler takes no such setting at the start; take it out of the url');
      expect(out).not.toContain('cannot be reached');
    } finally {
      folder.remove();
    }
  });
});

it('a pooler where the configuration says that there is none is told as one', async () => {
  const { code, message } = await firstWarning(through('lock_timeout=900'), 'none');
  expect(code).toBe('database_unsupported');
  expect(message).toContain('set pooler of the pool to auto or pgbouncer, not none');
});

describe('the file that sluice pgbouncer writes', () => {
  it('sets for the sessions of the pooler what the url sets for those of the pool', async () => {
    const more = `-c search_path=shop,"it's\\ me" -c work_mem=77MB -c app.key=Zq7 -B 16`;
    const url = `${server.url}?options=${encodeURIComponent(more)}&statement_timeout=4000`;
    const out = await written(url);
    expect(out).toContain('; its url sets search_path, work_mem, statement_timeout: set below;');
    expect(out).toContain('; its url also has app.key, switches in options, NOT set here: use ALTER ROLE ... SET;');
    expect(out).not.toContain('Zq7');
    const from = await startFrom(out, { postgres: password });
    try {
      const there = `postgres://postgres:${password}@127.0.0.1:${from.port}/main`;
      const names = ['search_path', 'work_mem', 'statement_timeout', 'client_connection_check_interval'];
      const [row] = await ask(
        there,
        `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`,
      );
      expect(row).toEqual({
        search_path: `shop,"it's me"`,
        work_mem: '77MB',
        statement_timeout: '4s',
        client_connection_check_interval: '500ms',
      });
    } finally {
      await from.close();
    }
  });

  it('keeps the sessions of use where the server refuses one of them, and lets the log of the pooler say so', async () => {
    const more = `-c search_path="$user",S\\ x -c work_mem=77MB`;
    const out = await written(`${server.url}?options=${encodeURIComponent(more)}`);
    const from = await startFrom(out, { postgres: password });
    try {
      const there = `postgres://postgres:${password}@127.0.0.1:${from.port}/main`;
      const refused = "SELECT current_setting('work_mem') AS memory";
      // Twice: the second one meets the session that the first one left.
      for (let i = 0; i < 2; i += 1) expect(await ask(there, refused)).toEqual([{ memory: '4MB' }]);
      const { pool, journal } = makePool({ url: there }, { pooler: 'auto' });
      open.push(pool);
      await until(() => pool.state === 'up');
      expect(journal.warnings).toEqual([]);
      expect(await from.log()).toMatch(/exec_on_query.*search_path/);
    } finally {
      await from.close();
    }
  });

  it('says nothing of it where the url sets nothing', async () => {
    const out = await written(server.url);
    expect(out).toContain("connect_query='SET client_connection_check_interval = 500'");
    expect(out).not.toContain('its url');
  });
});

async function written(url: string): Promise<string> {
  const folder = new Folder();
  try {
    const options = folder.write('gateway.json', {
      pools: { main: { url, max: 2 } },
      routes: { read: { pool: 'main' } },
    });
    const { out, err } = await folder.call(['pgbouncer', '--config', options]);
    expect(err).toBe('');
    return out;
  } finally {
    folder.remove();
  }
}
