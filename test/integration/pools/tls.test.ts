import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway } from 'sluice';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { activeStatements, ask, FOREVER, makePool, until, within } from './pool-fixture.js';
import { selfSigned } from './self-signed.js';
import { Tap } from './tap.js';

let server: PostgresServer;
let folder: string;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } });
  folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'));
  const { certificate, key } = selfSigned('localhost');
  await writeFile(join(folder, 'ca.pem'), certificate);
  const client = selfSigned('certified');
  await writeFile(join(folder, 'client.pem'), client.certificate);
  await writeFile(join(folder, 'client.key'), client.key);
  // The server writes the files itself: it insists on owning its key.
  const lines = (text: string): string => `COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n')))`;
  await ask(server.url, `${lines(certificate)} TO PROGRAM 'umask 077; cat > server.crt'`);
  await ask(server.url, `${lines(key)} TO PROGRAM 'umask 077; cat > server.key'`);
  await ask(server.url, `${lines(client.certificate)} TO PROGRAM 'cat > root.crt'`);
  await ask(server.url, 'COPY (SELECT 1) TO PROGRAM \'sed -i "1i hostssl all certified all cert" pg_hba.conf\'');
  await ask(server.url, 'COPY (SELECT 1) TO PROGRAM \'sed -i "1i hostnossl all covered all reject" pg_hba.conf\'');
  await ask(server.url, 'CREATE ROLE covered LOGIN');
  await ask(server.url, 'CREATE ROLE certified LOGIN IN ROLE pg_monitor');
  await ask(server.url, "ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
  await ask(server.url, 'ALTER SYSTEM SET ssl = on');
  await server.restart();
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

function file(name: string): string {
  return join(folder, name);
}

function tlsUrl(url: string, parameters: string): string {
  return `${url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert=${join(folder, 'ca.pem')}${parameters}`;
}

describe('TLS', () => {
  it.each([
    ['asked for', ''],
    ['from the first byte', '&sslnegotiation=direct'],
  ])('carries sessions and cancels alike, %s', async (_, parameters) => {
    const tap = await Tap.before(server.url);
    const { pool, applicationName } = makePool({ url: tlsUrl(tap.url, parameters) }, { max: 1 });
    const connection = await pool.acquire(within(5_000));
    const { rows } = await connection.query(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      undefined,
      undefined,
    );
    expect(rows).toEqual([{ ssl: true }]);
    const running = connection.query('SELECT pg_sleep(30)', undefined, undefined);
    await until(async () => (await activeStatements(server.url, applicationName)) === 1);
    connection.cancel();
    await expect(running).rejects.toMatchObject({ code: '57014' });
    await connection.release();
    expect(pool.gauges()).toMatchObject({ idle: 1, opened: 1, cancels: 1 });
    // The key of the session did not pass in the clear.
    expect(tap.connections).toBe(2);
    expect(tap.cancels).toBe(0);
    await pool.close(0);
    await tap.close();
  });

  it('shows the server a certificate of the client, also when it cancels', async () => {
    const { pool, journal, applicationName } = makePool(
      { url: `postgres://certified@localhost:${server.port}/postgres` },
      { max: 1, tlsCa: file('ca.pem'), tlsCert: file('client.pem'), tlsKey: file('client.key') },
    );
    const connection = await pool.acquire(within(5_000));
    const { rows } = await connection.query(
      'SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      undefined,
      undefined,
    );
    expect(rows).toEqual([{ client_dn: '/CN=certified' }]);
    const running = connection.query('SELECT pg_sleep(30)', undefined, undefined);
    await until(async () => (await activeStatements(server.url, applicationName)) === 1);
    connection.cancel();
    await expect(running).rejects.toMatchObject({ code: '57014' });
    await connection.release();
    // Both were made for a day, so it is said ahead that they end, once.
    await pool.rotate({});
    await (await pool.acquire(within(5_000))).release();
    expect(pool.gauges()).toMatchObject({ idle: 1, opened: 2, cancels: 1 });
    expect(journal.warnings.map(({ code }) => code).sort()).toEqual([
      'database_client_certificate_expires',
      'database_server_certificate_expires',
    ]);
    expect(journal.warnings[0]?.message).toMatch(/certificate .*ends within a day \(20\d\d-\d\d-\d\d\); replace it/);
    await pool.close(0);
  });

  it('is verified also where the process verifies nothing else', async () => {
    const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const localhost = server.url.replace('127.0.0.1', 'localhost');
      const unknown = { url: `${localhost}?sslmode=verify-full` };
      const misnamed = { url: `${server.url}?sslmode=verify-full`, tlsCa: file('ca.pem') };
      for (const { url, ...options } of [unknown, misnamed]) {
        const { pool, journal } = makePool({ url }, options);
        await until(() => journal.warnings.length > 0);
        expect(journal.warnings).toMatchObject([{ code: 'database_tls_failed' }]);
        await pool.close(0);
      }
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it('is required where the option says so, whatever the url leaves out', async () => {
    const at = (name: string, options: object): ReturnType<typeof makePool> =>
      makePool({ url: server.url.replace('127.0.0.1', name) }, options);
    const encrypted = at('localhost', { tls: true, tlsCa: file('ca.pem') });
    const connection = await encrypted.pool.acquire(within(5_000));
    const { rows } = await connection.query(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      undefined,
      undefined,
    );
    expect(rows).toEqual([{ ssl: true }]);
    await encrypted.pool.close(0);
    // The certificate is for another name than that of the host, unless it is told which to expect.
    const other = at('127.0.0.1', { tlsCa: file('ca.pem') });
    await other.journal.reached('database_tls_failed');
    await other.pool.close(0);
    const named = at('127.0.0.1', { tlsCa: file('ca.pem'), tlsServerName: 'localhost' });
    await (await named.pool.acquire(within(5_000))).release();
    await named.pool.close(0);
    const wrong = at('localhost', { tlsCa: file('ca.pem'), tlsServerName: 'elsewhere' });
    await wrong.journal.reached('database_tls_failed');
    expect(wrong.pool.gauges().opened).toBe(0);
    await wrong.pool.close(0);
    const anyName = makePool({ url: `${server.url}?sslmode=verify-ca&sslrootcert=${file('ca.pem')}` });
    await (await anyName.pool.acquire(within(5_000))).release();
    await anyName.pool.close(0);
  });

  it('is named where the server takes nobody without it, and a database that takes nobody for what it is', async () => {
    const uncovered = makePool({ url: `postgres://covered@127.0.0.1:${server.port}/postgres` });
    await uncovered.journal.reached('database_tls_required');
    expect(uncovered.journal.warnings[0]?.message).toMatch(/ask for it \(tls: true.*no encryption/);
    await uncovered.pool.close(0);
    await ask(server.url, 'CREATE DATABASE shut ALLOW_CONNECTIONS false');
    const shut = makePool({ url: server.url.replace(/\/postgres$/, '/shut') });
    await shut.journal.reached('database_unsupported');
    expect(shut.journal.warnings[0]?.message).toContain('"shut" is not currently accepting');
    await shut.pool.close(0);
  });

  it('with a file that cannot be used is refused at the start, every one named, before anything is opened', async () => {
    await writeFile(file('text.pem'), 'no certificate');
    const failure = createGateway(
      {
        applicationName: 'tls-start',
        pools: {
          missing: { url: server.url, tlsCa: file('nowhere.pem') },
          alone: { url: server.url, tlsCert: file('client.pem') },
          none: { url: `${server.url}?sslmode=verify-full&sslrootcert=${file('text.pem')}` },
          downgraded: { url: `${server.url}?sslmode=prefer` },
          fine: { url: server.url },
        },
        routes: { work: { pool: 'fine' } },
      },
      { env: { SLUICE_POOL_FINE_TLS_CERT: file('client.pem'), SLUICE_POOL_FINE_TLS_KEY: file('ca.pem') } },
    );
    const { message } = (await failure.catch((error: unknown) => error)) as Error;
    expect(message.split('\n').slice(1)).toEqual([
      `  - pools.missing.tlsCa is "${file('nowhere.pem')}": the file cannot be read (ENOENT); name a PEM file that is readable`,
      `  - pools.alone.tlsCert is "${file('client.pem')}": means nothing alone; set tlsKey, too`,
      `  - pools.none.url is "sslrootcert=${file('text.pem')}": it has no certificate that can be read; use a PEM file`,
      '  - pools.downgraded.url is "sslmode=prefer": it would go on without TLS; use one of disable, no-verify, require, verify-ca, verify-full',
      `  - SLUICE_POOL_FINE_TLS_KEY is "${file('ca.pem')}": it is no private key that can be read; use a PEM file with a key that has no passphrase`,
    ]);
    expect(await ask(server.url, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tls-start'")).toEqual([]);
  });

  it('is not given up when the certificate is not trusted', async () => {
    const url = `${server.url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full`;
    const { pool, journal } = makePool({ url });
    await journal.reached('database_tls_failed');
    expect(journal.warnings[0]?.message).toContain('self-signed certificate');
    expect(pool.gauges().opened).toBe(0);
    await expect(pool.acquire(within(30))).rejects.toThrow('within the time left');
    await pool.close(0);
  });

  it('is not given up when the server has none', async () => {
    await ask(server.url, 'ALTER SYSTEM SET ssl = off');
    await server.restart();
    const { pool, journal } = makePool({ url: tlsUrl(server.url, '') });
    await journal.reached('database_tls_failed');
    expect(journal.warnings[0]?.message).toMatch(
      /none without is tried; .* or ask for no TLS in the url \(sslmode=disable; .*does not support SSL/,
    );
    await pool.close(0);
    const plain = makePool(server);
    await (await plain.pool.acquire(FOREVER)).release();
    await plain.pool.close(0);
  });
});
