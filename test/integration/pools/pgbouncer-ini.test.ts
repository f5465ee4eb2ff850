import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Folder } from '../../support/captured.js';
import type { PgbouncerServer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { section, startFrom } from './ini-file.js';
import { ask } from './pool-fixture.js';
import { selfSigned } from './self-signed.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const SERVER = 'postgres://shop:secret-word@db.example:5433/shop';
const OPTIONS = {
  instances: 2,
  pools: {
    checkout: { url: SERVER, max: 16 },
    reports: { url: SERVER, max: 4, minIdle: 1 },
    admin: { url: SERVER, max: 2, admin: true },
  },
  routes: { pay: { pool: 'checkout', deadlineMs: 500 }, report: { pool: 'reports', deadlineMs: 30_000 } },
};
/** PgBouncer has nothing to do with it. */
const ON_MYSQL = { stock: { url: 'mysql://shop:secret-word@db.example/shop', max: 50 } };

function call(options: object, ...args: string[]): ReturnType<Folder['call']> {
  return folder.call(['pgbouncer', '--config', folder.write('gateway.json', options), ...args]);
}

function throughEntry(pooler: PgbouncerServer, server: PostgresServer, entry: string): string {
  return `postgres://postgres:${new URL(server.url).password}@127.0.0.1:${pooler.port}/${entry}`;
}

it('PGB-1 PGB-2 PGB-3 PGB-4: writes a file that PgBouncer takes as it stands, from the sizes of the pools', async () => {
  const { code, out, err } = await call(OPTIONS, '--max-connections', '100');
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toContain('secret-word');
  const settings = Object.fromEntries(section(out, 'pgbouncer'));
  expect(settings).toMatchObject({ pool_mode: 'transaction', query_wait_timeout: '35', max_client_conn: '108' });
  const { listen_addr: _addr, listen_port: _port, auth_file: _file, admin_users: _admins, ...kept } = settings;
  const pooler = await startFrom(out, { shop: 'secret-word' });
  try {
    const databases = await pooler.admin('SHOW DATABASES');
    const entry = (name: string): object | undefined => databases.find((each) => each.name === name);
    expect(entry('checkout')).toMatchObject({ host: 'db.example', port: 5_433, database: 'shop', pool_size: 32 });
    expect(entry('reports')).toMatchObject({ pool_size: 8, min_pool_size: 2, reserve_pool: 1 });
    // Who must always get in goes to the server itself.
    expect(entry('admin')).toBeUndefined();
    expect(await pooler.log()).not.toMatch(/WARNING|ERROR|unknown/);
    const effective = new Map((await pooler.admin('SHOW CONFIG')).map(({ key, value }) => [key, String(value)]));
    for (const [key, value] of Object.entries(kept))
      expect([key, Number(effective.get(key))]).toEqual([key, Number(value)]);
  } finally {
    await pooler.close();
  }
});

it('leaves out pools on MySQL, and says so', async () => {
  const routes = { ...OPTIONS.routes, count: { pool: 'stock', deadlineMs: 90_000 } };
  const options = { ...OPTIONS, pools: { ...OPTIONS.pools, ...ON_MYSQL }, routes };
  const { code, out, err } = await call(options, '--max-connections', '100');
  expect([code, err]).toEqual([0, '']);
  const { out: without } = await call(OPTIONS, '--max-connections', '100');
  expect(out).toContain('; Past the pooler, to their server itself: admin, stock.');
  // What they want is for another server to give.
  expect(out.replace('admin, stock.', 'admin.')).toBe(without);
  const json = await call(options, '--max-connections', '100', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ bypassing: ['admin', 'stock'] });
});

it('SIZ-6: writes nothing that the server has no room for, and shows the sum', async () => {
  const { code, out, err } = await call(OPTIONS, '--max-connections', '50');
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('the pools use 40 connections at once in 2 instances, and the server has 35 for them');
});

it.each([
  [1, { ...OPTIONS, pools: {}, routes: { ping: {} } }, [], 'the configuration has no pools'],
  [1, { ...OPTIONS, pools: ON_MYSQL, routes: { pay: { pool: 'stock' } } }, [], 'has no pool on PostgreSQL'],
  [2, OPTIONS, ['--port', '0'], '--port is 0: use a whole number from 1 to 65535'],
  [2, OPTIONS, ['--max-connections', '1.5'], '--max-connections is 1.5'],
])('ends with %d and names what cannot be used: %#', async (status, options, args, message) => {
  const { code, err } = await call(options, ...args);
  expect(code).toBe(status);
  expect(err).toContain(message);
});

it('one file serves the commands of the guide: first with the url of the server, then with that of the pooler', async () => {
  const guide = readFileSync(new URL('../../../examples/guides/pgbouncer.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
  const file = folder.write('gateway-options.mjs', code);
  const postgres = await startPostgres({ settings: { fsync: 'off' } });
  // What the file reads stands in the environment of the process, as in a shell.
  vi.stubEnv('DATABASE_URL', postgres.url);
  try {
    const { out, err } = await folder.call(['pgbouncer', '--config', file, '--max-connections', '100']);
    expect(err).toBe('');
    const pooler = await startFrom(out, { postgres: new URL(postgres.url).password });
    try {
      vi.stubEnv('POOLER_ADMIN_URL', pooler.adminUrl);
      // Each call of the command line reads it anew; a process reads one file once.
      const later = folder.write('again.mjs', code);
      const again = await folder.call(['pgbouncer', '--config', later, '--port', String(pooler.port)], {
        SLUICE_POOL_SHOP_URL: throughEntry(pooler, postgres, 'shop'),
      });
      expect(again.err).toContain('where the pooler is to listen');
      const examined = await folder.call(['doctor', '--config', later], {
        SLUICE_POOL_SHOP_URL: throughEntry(pooler, postgres, 'shop'),
      });
      expect(examined.out).toContain('shop 16 = 16 connections x 1 instance = 16, and the pooler');
      expect(examined.code).toBe(0);
    } finally {
      await pooler.close();
    }
  } finally {
    vi.unstubAllEnvs();
    await postgres.close();
  }
});

describe('TLS to the server', () => {
  const server = (parameters: string): string => SERVER + parameters;
  const pools = (...urls: (string | object)[]): object => ({
    pools: Object.fromEntries(
      urls.map((each, index) => [`p${index}`, { max: 4, ...(typeof each === 'string' ? { url: each } : each) }]),
    ),
    routes: { pay: { pool: 'p0' } },
  });

  /** The lines on TLS that the call writes. */
  async function tlsLines(options: object, env: Record<string, string> = {}): Promise<string[]> {
    const { out, err } = await folder.call(['pgbouncer', '--config', folder.write('gateway.json', options)], env);
    expect(err).toBe('');
    return out.split('\n').filter((line) => line.startsWith('server_tls'));
  }

  it('is what the pools ask for', async () => {
    const [ca, cert, key] = ['ca.pem', 'mine.pem', 'mine.key'].map((name) => join(folder.path, name));
    const checked = ['server_tls_sslmode = verify-full', `server_tls_ca_file = ${ca}`];
    expect(await tlsLines(pools(server('')))).toEqual(['server_tls_sslmode = disable']);
    expect(await tlsLines(pools(server('?sslmode=no-verify')))).toEqual(['server_tls_sslmode = require']);
    expect(await tlsLines(pools(server('')), { PGSSLMODE: 'no-verify' })).toEqual(['server_tls_sslmode = require']);
    expect(await tlsLines(pools(server(`?sslmode=verify-full&sslrootcert=${ca}`)))).toEqual(checked);
    // The word of other programs for encryption alone; here whoever requires TLS gets it verified.
    expect(await tlsLines(pools(server(`?sslmode=require&sslrootcert=${ca}`)))).toEqual(checked);
    expect(await tlsLines(pools({ url: SERVER, tls: true, tlsCa: 'ca.pem' }))).toEqual(checked);
    const certified = { url: SERVER, tlsCa: ca, tlsCert: 'mine.pem', tlsKey: 'mine.key' };
    expect(await tlsLines(pools(certified, { ...certified, url: `${SERVER}2` }))).toEqual([
      ...checked,
      `server_tls_cert_file = ${cert}`,
      `server_tls_key_file = ${key}`,
    ]);
    // Who bypasses the pooler asks for itself.
    expect(await tlsLines(pools(server(''), { url: SERVER, tls: true, admin: true }))).toEqual([
      'server_tls_sslmode = disable',
    ]);
  });

  it.each([
    [pools(server('?sslmode=verify-full')), 'pool "p0": PgBouncer trusts no authority by itself: name the file'],
    [pools({ url: SERVER, tls: true }), 'pool "p0": PgBouncer trusts no authority by itself'],
    [pools({ url: SERVER, tlsCa: 'ca.pem', tlsServerName: 'other.example' }), 'write other.example there'],
    [pools(server('?sslmode=no-verify&sslnegotiation=direct')), 'leave sslnegotiation=direct out of the url'],
    [pools({ url: SERVER, tlsCa: 'ca.pem', tlsKey: 'mine.key' }), 'set tlsCert, too'],
    [pools(server('?sslmode=prefer')), 'it would go on without TLS'],
    [
      pools(server('?sslmode=no-verify'), server('')),
      'pools "p0" and "p1" ask for TLS in different ways (server_tls_sslmode = require; server_tls_sslmode = disable)',
    ],
  ])('is refused where no line of PgBouncer says it: %#', async (options, message) => {
    const { code, out, err } = await call(options);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
    expect(err).not.toContain('secret-word');
  });

  it('is on, as the file stands', async () => {
    const postgres = await startPostgres({ settings: { fsync: 'off' } });
    const { certificate, key } = selfSigned('localhost');
    const lines = (text: string): string => `COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n')))`;
    await ask(postgres.url, `${lines(certificate)} TO PROGRAM 'umask 077; cat > server.crt'`);
    await ask(postgres.url, `${lines(key)} TO PROGRAM 'umask 077; cat > server.key'`);
    await ask(postgres.url, 'ALTER SYSTEM SET ssl = on');
    await postgres.restart();
    // The pooler does not run as whoever runs the test.
    chmodSync(folder.path, 0o755);
    folder.write('ca.pem', certificate);
    const { password } = new URL(postgres.url);
    const url = postgres.url.replace('127.0.0.1', 'localhost');
    const { out, err } = await call(pools({ url, tls: true, tlsCa: 'ca.pem' }));
    expect(err).toBe('');
    const pooler = await startFrom(out, { postgres: password });
    try {
      const through = throughEntry(pooler, postgres, 'p0');
      const [seen] = await ask(through, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      expect(seen).toEqual({ ssl: true });
    } finally {
      await pooler.close();
      await postgres.close();
    }
  });
});

describe('the servers of the pools', () => {
  const at = (host: string, max: number, more: object = {}): object => ({
    url: `postgres://shop@${host}/shop`,
    max,
    ...more,
  });
  const routes = { pay: { pool: 'one' } };

  it('each have room of their own', async () => {
    const pools = { one: at('h1', 40), two: at('h2', 30), spare: at('H2:5432', 10, { admin: true }) };
    const { out, err } = await call({ pools, routes }, '--max-connections', '60');
    expect(err).toBe('');
    expect(section(out, 'databases').map(([name]) => name)).toEqual(['one', 'two']);
    expect(out).toContain('use 40 of the 48 connections that the budget of h1:5432 leaves');
    expect(out).toContain('use 30 of the 38 connections that the budget of h2:5432 leaves');
    const crowded = await call({ pools: { ...pools, more: at('h2', 20) }, routes }, '--max-connections', '60');
    expect(crowded.code).toBe(1);
    expect(crowded.err).toContain(
      'the pools at h2:5432 use 50 connections at once in 1 instance, and the server has 38',
    );
    expect(crowded.err).not.toContain('h1:5432');
  });

  it('need no user in their url', async () => {
    const { out, err } = await call({ pools: { one: { url: 'postgres://db.example/shop', max: 4 } }, routes });
    expect(err).toBe('');
    expect(section(out, 'databases')).toEqual([
      ['one', expect.stringContaining('host=db.example port=5432 dbname=shop')],
    ]);
  });

  it.each([
    [{ one: at('localhost:6432', 4) }, [], 'leads to localhost:6432, where the pooler is to listen'],
    [
      { one: at('127.0.0.1:7000', 4) },
      ['--port', '7000'],
      'give the url of the server to this command, or another --port',
    ],
    [{ one: at('h1', 4), pgbouncer: at('h1', 4) }, [], 'pool "pgbouncer": PgBouncer keeps this name for its console'],
  ])('are servers, and no poolers: %#', async (pools, args, message) => {
    const { code, out, err } = await call({ pools, routes }, ...args);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
  });
});
