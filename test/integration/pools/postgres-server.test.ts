import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off', max_connections: '33' } });
});

afterAll(() => server.close());

async function ask(text: string): Promise<string> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  const result = await client.query<[string]>({ text, rowMode: 'array' });
  await client.end();
  return result.rows[0]?.[0] ?? '';
}

describe('an embedded PostgreSQL', () => {
  it('runs with the settings given', async () => {
    expect(await ask('SHOW max_connections')).toBe('33');
    expect(await ask('SHOW fsync')).toBe('off');
  });

  it.each(['fast', 'immediate'] as const)('keeps its data and port over a %s restart', async (mode) => {
    await ask(`CREATE TABLE kept_${mode} AS SELECT 7 AS n`);
    const before = { url: server.url, pid: server.pid };
    await server.restart(mode);
    expect(server.url).toBe(before.url);
    expect(server.pid).not.toBe(before.pid);
    // An unsynced crash may lose the last rows of a table, not the server.
    expect(await ask('SELECT 1::text')).toBe('1');
  });

  it('has no process id while it is stopped, and can be stopped twice', async () => {
    await server.stop();
    await server.stop();
    expect(server.pid).toBeUndefined();
    await server.start();
    expect(await ask('SELECT 2::text')).toBe('2');
  });

  it('says in one line that a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const failure = startPostgres({ port });
    await expect(failure).rejects.toThrow(/cannot start an embedded PostgreSQL.*could not create any TCP/);
    await expect(failure).rejects.toThrow(/^[^\n]*$/);
    taken.close();
  });

  it('ends with its owner, even when that is killed', async () => {
    const owner = startOwner();
    const [pid, directory] = await firstLine(owner);
    expect(directory).toMatch(/sluice-postgres-/);
    expect(existsSync(directory)).toBe(true);
    process.kill(Number(pid), 0);
    owner.kill('SIGKILL');
    await vi.waitFor(
      () => {
        expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
        expect(existsSync(directory)).toBe(false);
      },
      { timeout: 10_000, interval: 20 },
    );
  });
});

const OWNER = `
  import { execFileSync } from 'node:child_process';
  import { createJiti } from 'jiti';
  const { startPostgres } = await createJiti(process.cwd() + '/').import('./examples/support/postgres-server.ts');
  const server = await startPostgres();
  const line = execFileSync('ps', ['-o', 'args=', '-p', String(server.pid)], { encoding: 'utf8' });
  console.log(server.pid, line.match(/-D (\\S+)\\/data/)[1]);
  setInterval(() => {}, 1000);`;

/** A process that starts a server, prints its process id and directory, and lives until it is killed. */
function startOwner(): ChildProcess {
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  return spawn(process.execPath, ['--input-type=module', '-e', OWNER], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<[string, string]> {
  const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const [pid = '', directory = ''] = chunk.toString('utf8').trim().split(' ');
  return [pid, directory];
}
