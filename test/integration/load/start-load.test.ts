import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadPlan } from '../../load/plan.js';
import { startLoad } from '../../load/start-load.js';

let port = 0;
const server = createServer((_request, response) => void response.writeHead(201).end('{}'));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function plan(measureMs: number): LoadPlan {
  return {
    port,
    seed: 1,
    warmUpMs: 0,
    measureMs,
    coolDownMs: 20,
    streams: [
      {
        name: 'any',
        method: 'GET',
        path: '/',
        arrivals: { kind: 'uniform', ratePerSecond: 100 },
        deadlineMs: 200,
        unansweredAfterMs: 500,
      },
    ],
  };
}

describe('startLoad', () => {
  it('runs a plan in a process of its own and brings the result back', async () => {
    const result = await startLoad(plan(300));
    expect(result.streams[0]).toMatchObject({ offered: 30, unanswered: 0 });
    expect(result.streams[0]?.good).toBeGreaterThan(20);
  });

  it('sends nothing more when it is told to end, and brings back what was sent', async () => {
    const connected = once(server, 'connection');
    const { streams } = await startLoad(plan(60_000), { ending: connected });
    expect(streams[0]).toMatchObject({ unanswered: 0 });
    expect(streams[0]?.offered).toBeGreaterThan(0);
    expect(streams[0]?.offered).toBeLessThan(1_000);
  });

  it('ends the process when it is aborted', async () => {
    const abort = new AbortController();
    const connected = new Promise((resolve) => server.once('connection', resolve));
    const running = startLoad(plan(60_000), { signal: abort.signal });
    const socket = (await connected) as NodeJS.EventEmitter;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await closed;
  });

  it('says so when the process dies without a result, and refuses a wrong plan before it starts one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-load-'));
    const broken = join(folder, 'broken.js');
    await writeFile(broken, 'process.exit(3);');
    await expect(startLoad(plan(100), { workerFile: broken })).rejects.toThrow(/without a result \(code 3/);
    await rm(folder, { recursive: true });
    await expect(startLoad(plan(-1))).rejects.toThrow(/measureMs/);
  });
});
