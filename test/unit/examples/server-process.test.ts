import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerProcess } from '../../../examples/support/server-process.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-process-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A server in one line of code, which says `up` when it is. */
function serverOf(code: string, stopTimeoutMs?: number): ServerProcess {
  const log = join(folder, 'log');
  return new ServerProcess({
    name: 'the server',
    program: process.execPath,
    args: () => ['-e', `${code}; console.log('up'); setInterval(() => undefined, 1000);`],
    options: {},
    log,
    startTimeoutMs: 60_000,
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    crashSignal: 'SIGKILL',
    ready: async () => (await readFile(log, 'utf8')).includes('up'),
    reason: (text) => text,
  });
}

describe('ServerProcess', () => {
  it('is ended by the signal that it is given, and by nothing else', async () => {
    const server = serverOf("process.on('SIGTERM', () => { console.log('told'); process.exit(); })");
    await server.start();
    await server.stop('SIGTERM');
    expect(server.running).toBe(false);
    expect(await readFile(join(folder, 'log'), 'utf8')).toContain('told');
  });

  it('is killed when it does not end, and its log told', async () => {
    const server = serverOf("process.on('SIGTERM', () => console.log('I wait for my clients'))", 500);
    await server.start();
    await expect(server.stop('SIGTERM')).rejects.toThrow(
      /the server did not end within 500 ms of SIGTERM: up\s+I wait for my clients/,
    );
    expect(server.running).toBe(false);
  });
});
