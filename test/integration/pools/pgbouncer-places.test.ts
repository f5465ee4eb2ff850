import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Folder } from '../../support/captured.js';
import type { PgbouncerServer } from '../../support/pgbouncer-server.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { startFrom } from './ini-file.js';

// Where the urls of pools lead, and whether a pooler with the file that is written for them gets there.

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
/** Who knows how to quote for every file on the way. */
const USER = `o'brien "the" shöp`;
const PASSWORD = `p@"s'"w:\\ö/ %;#=`;
const DATABASE = `it's "my" shöp = 1`;

let server: PostgresServer;
let sockets: string;
let folder: Folder;

beforeAll(async () => {
  folder = new Folder();
  sockets = mkdtempSync(join(tmpdir(), "sluice o'socket-"));
  // The server and the pooler are other users.
  chmodSync(sockets, 0o777);
  const listen = hasIpv6 ? '127.0.0.1,::1' : '127.0.0.1';
  server = await startPostgres({
    settings: { fsync: 'off', listen_addresses: listen, unix_socket_directories: sockets },
  });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`CREATE ROLE ${client.escapeIdentifier(USER)} LOGIN PASSWORD ${client.escapeLiteral(PASSWORD)}`);
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(DATABASE)}`);
  await client.end();
});
afterAll(async () => {
  await server?.close();
  folder.remove();
  rmSync(sockets, { recursive: true, force: true });
});

const LOGIN = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;

const urlAt = (host: string, path: string): string => `postgres://${LOGIN}@${host}:${server.port}/${path}`;

function callFor(pools: Readonly<Record<string, string>>): ReturnType<Folder['call']> {
  const named = Object.entries(pools).map(([name, url]) => [name, { url, max: 2 }] as const);
  const options = { pools: Object.fromEntries(named), routes: { a: { pool: named[0]?.[0] } } };
  return folder.call(['pgbouncer', '-c', folder.write('gateway.json', options)]);
}

async function fileFor(pools: Readonly<Record<string, string>>): Promise<string> {
  const { out, err } = await callFor(pools);
  expect(err).toBe('');
  return out;
}

async function askThrough({ port }: PgbouncerServer, entry: string, what: string): Promise<unknown[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password: PASSWORD, database: entry });
  await client.connect();
  try {
    return (await client.query(`SELECT ${what}`)).rows;
  } finally {
    await client.end();
  }
}

const HOSTS: readonly (readonly [host: string, asWritten: string])[] = [
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', 'localhost'],
  ...(hasIpv6 ? ([['[::1]', '[::1]']] as const) : []),
];

describe('a file for PgBouncer', () => {
  it.each(HOSTS)('names the server as the url does: %s', async (host, asWritten) => {
    const text = await fileFor({ shop: urlAt(host, 'postgres') });
    expect(text).toContain(`host=${host.replace(/[[\]]/g, '')} port=${server.port} `);
    expect(text).toContain(`that the budget of ${asWritten}:${server.port} leaves to the pooler`);
  });

  it('names one server that urls write in two ways by both, and gives it one budget', async () => {
    const text = await fileFor({ shop: urlAt('127.0.0.1', 'postgres'), jobs: urlAt('localhost', 'postgres') });
    expect(text).toContain(`budget of 127.0.0.1:${server.port} = localhost:${server.port} leaves to the pooler`);
    expect(text.match(/leaves to the pooler/g)).toHaveLength(1);
  });

  it('leads a real pooler there by every way, with names and passwords of any signs', async () => {
    const places = HOSTS.map(([host]) => urlAt(host, 'postgres'));
    const ways = Object.fromEntries(places.map((url, index) => [`way${index}`, url]));
    const socket = `postgres://${LOGIN}@/postgres?host=${encodeURIComponent(sockets)}&port=${server.port}`;
    const text = await fileFor({ ...ways, socket });
    const pooler = await startFrom(text, { [USER]: PASSWORD });
    try {
      expect(await pooler.log()).not.toMatch(/WARNING|ERROR|unknown/);
      const reached = [...Object.keys(ways), 'socket'].map(async (entry) => {
        const rows = await askThrough(pooler, entry, 'current_user AS who, host(inet_server_addr()) AS address');
        return rows[0];
      });
      const addresses = ['127.0.0.1', expect.stringMatching(/^(?:127\.0\.0\.1|::1)$/), ...(hasIpv6 ? ['::1'] : [])];
      expect(await Promise.all(reached)).toEqual([...addresses, null].map((address) => ({ who: USER, address })));
    } finally {
      await pooler.close();
    }
  });

  it('leads it to a database of any signs', async () => {
    const text = await fileFor({ shop: urlAt('127.0.0.1', encodeURI(DATABASE)) });
    const pooler = await startFrom(text, { [USER]: PASSWORD });
    try {
      expect(await askThrough(pooler, 'shop', 'current_database() AS name')).toEqual([{ name: DATABASE }]);
    } finally {
      await pooler.close();
    }
  });

  it.each([
    ['postgres://db/shop%0Aadmin', 'the database of its url has what ends a line'],
    ['postgres:///shop?host=a%0Db', 'the host of its url has what ends a line'],
    ['postgres://one,two/shop', 'the host of its url is a list'],
  ])('is not written for %s', async (url, told) => {
    const { code, out, err } = await callFor({ shop: url });
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`pool "shop": ${told}`)]);
  });
});
