import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { protect } from 'sluice/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, serve } from './harness.js';

const BLOCK_MS = 300;

/** Sends a request that blocks the server, and another while it does, from a thread that is not blocked. */
const CLIENT = `
  const http = require('node:http');
  const { workerData: { port, agent }, parentPort } = require('node:worker_threads');
  const shared = agent ? new http.Agent({ keepAlive: true }) : false;
  const get = (path) => new Promise((resolve) => {
    http.get({ port, host: '127.0.0.1', path, agent: shared }, (res) => res.resume().on('end', resolve));
  });
  (async () => {
    await Promise.all([get('/ready'), get('/ready')]);
    for (let round = 0; round < 3; round++) {
      const blocked = get('/block');
      await new Promise((resolve) => setTimeout(resolve, 30));
      await Promise.all([blocked, get('/work')]);
    }
    parentPort.postMessage('done');
  })();
`;

describe('a request that waited while the event loop was blocked', () => {
  let bench: Bench;
  let charged: number[] = [];

  beforeAll(async () => {
    bench = await serve({ routes: { work: { deadlineMs: 5_000 } } }, (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), (req, res) => {
        charged.push(5_000 - req.sluice.timeLeftMs());
        res.json({});
      });
      app.get('/block', (_req, res) => {
        const untilMs = performance.now() + BLOCK_MS;
        while (performance.now() < untilMs);
        res.json({});
      });
      app.get('/ready', (_req, res) => res.json({}));
    });
  });
  afterAll(() => bench.close());

  it.each([
    ['a connection of its own', false],
    ['a connection that was open', true],
  ])('has less time left (%s)', async (_how, agent) => {
    charged = [];
    const worker = new Worker(CLIENT, { eval: true, workerData: { port: bench.port, agent } });
    await once(worker, 'message');
    await worker.terminate();
    expect(charged).toHaveLength(3);
    for (const ms of charged) {
      expect(ms).toBeGreaterThan(BLOCK_MS / 4);
      expect(ms).toBeLessThan(1_000);
    }
  });

  it('and one that did not has all of it', async () => {
    charged = [];
    for (let times = 0; times < 5; times++) await bench.request.get('/work').expect(200);
    expect(Math.min(...charged)).toBeLessThan(20);
  });
});
