import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
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
  // The server writes the files itself: it insists on owning its key.
  const lines = (text: string): string => `COPY (SELECT unnest(string_to_array('${text.trim()}', E'\\n')))`;
  await ask(server.url, `${lines(certificate)} TO PROGRAM 'umask 077; cat > server.crt'`);
  await ask(server.url, `${lines(key)} TO PROGRAM 'umask 077; cat > server.key'`);
  await ask(server.url, 'ALTER SYSTEM SET ssl = on');
  await server.restart();
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

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
    expect(journal.warnings[0]?.message).toContain('does not support SSL');
    await pool.close(0);
    const plain = makePool(server);
    await (await plain.pool.acquire(FOREVER)).release();
    await plain.pool.close(0);
  });
});
