import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startServer } from '../../load/server-process.js';

/** A server in a few lines: its one answer tells what it was started with. */
const SERVER = `
import { createServer } from 'node:http';
const server = createServer((_, response) => response.end(JSON.stringify({ args: process.argv.slice(2), env: process.env })));
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log('a line before');
  console.log('listening on http://127.0.0.1:' + server.address().port);
});
process.on('message', (question) => process.send({ heard: question }));
process.on('SIGTERM', () => process.exit(7));
`;

let folder = '';
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-server-'));
  await writeFile(file('server.mjs'), SERVER);
  await writeFile(file('broken.mjs'), "console.error('no such database'); process.exitCode = 3;");
});
afterAll(() => rm(folder, { recursive: true }));

describe('startServer', () => {
  it('waits until the server listens, talks to it and ends it with SIGTERM', async () => {
    const server = await startServer(file('server.mjs'), { args: ['glue'] });
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(await response.json()).toMatchObject({ args: ['glue'], env: { NODE_ENV: 'production' } });
    expect(await server.ask('usage')).toEqual({ heard: 'usage' });
    expect(await server.stop()).toBe(7);
    expect(await server.stop()).toBe(7);
    await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow();
  });

  it('keeps settings of the machine away from it', async () => {
    vi.stubEnv('SLUICE_MODE', 'off');
    vi.stubEnv('SHOP_CHECKOUT_WORK_MS', '99');
    vi.stubEnv('DATABASE_URL', 'postgres://elsewhere');
    const server = await startServer(file('server.mjs'), { env: { SHOP_CHECKOUT_WORK_MS: '20' } });
    vi.unstubAllEnvs();
    const { env } = (await (await fetch(`http://127.0.0.1:${server.port}/`)).json()) as { env: NodeJS.ProcessEnv };
    expect(env.SHOP_CHECKOUT_WORK_MS).toBe('20');
    expect(env).not.toHaveProperty('SLUICE_MODE');
    expect(env).not.toHaveProperty('DATABASE_URL');
    await server.stop();
  });

  it('tells with its output why a server did not come up', async () => {
    await expect(startServer(file('broken.mjs'))).rejects.toThrow(/before it listened \(code 3[\s\S]*no such database/);
  });

  it('ends it when it is aborted', async () => {
    const abort = new AbortController();
    const server = await startServer(file('server.mjs'), { signal: abort.signal });
    abort.abort();
    await expect
      .poll(() =>
        fetch(`http://127.0.0.1:${server.port}/`).then(
          () => 'up',
          () => 'gone',
        ),
      )
      .toBe('gone');
    expect(await server.stop()).toBeNull();
    await expect(startServer(file('server.mjs'), { signal: abort.signal })).rejects.toThrow();
  });
});
