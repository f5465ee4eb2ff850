import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { instrument, type Logger } from 'sluice';
import { metrics, protect } from 'sluice/express';
import { afterEach, expect, test } from 'vitest';
import { type Bench, serve } from '../integration/http/harness.js';
import { recordingTracer } from '../integration/telemetry/recorder.js';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A TCP sink that takes connections and never reads. */
async function stoppedSink(): Promise<{ port: number }> {
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0 };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  ends.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** An application of 20 routes whose first requests have something to log: a second guard stands on each. */
async function start(logger: Logger): Promise<Bench> {
  const bench = await serve(
    { routes: { work: { concurrency: 4, deadlineMs: 2_000 } }, surroundings: { logger } },
    (app, gateway) => {
      app.get('/metrics', metrics(gateway));
      for (let path = 0; path < 20; path += 1) {
        app.get(
          `/job/${path}`,
          protect(gateway, 'work'),
          protect(gateway, 'work', {}, (_req, res) => res.json('done')),
        );
      }
    },
  );
  ends.push(() => bench.close());
  return bench;
}

/** The slowest of many requests, all of which have to succeed. */
async function slowestMs(bench: Bench): Promise<number> {
  let slowest = 0;
  for (let request = 0; request < 100; request += 1) {
    const beganMs = performance.now();
    const response = await fetch(`http://127.0.0.1:${bench.port}/job/${request % 20}`);
    expect([response.status, await response.json()]).toEqual([200, 'done']);
    slowest = Math.max(slowest, performance.now() - beganMs);
  }
  return slowest;
}

test('F66 a logger that throws fails no request', async () => {
  let asked = 0;
  const fail = (): never => {
    asked += 1;
    throw new Error('the log is broken');
  };
  const bench = await start({ debug: fail, info: fail, warn: fail, error: fail });
  await slowestMs(bench);
  expect(asked).toBe(20);
});

test('F66 a log, a scraper and an exporter that stopped reading hold up no request', async () => {
  const { port } = await stoppedSink();
  const log = await connected(port);
  const bench = await start(pino({}, log));
  // Full from the start: the kernel takes nothing more from here on.
  log.write(Buffer.alloc(16 * 1_024 * 1_024, 'x'));
  const exporter = await connected(port);
  const { tracer } = recordingTracer();
  const { startSpan } = tracer;
  tracer.startSpan = (name, options) => {
    exporter.write(JSON.stringify({ name, options }).repeat(1_000));
    return startSpan(name, options);
  };
  ends.push(instrument(bench.gateway, { tracer }));
  const scrapers = await Promise.all(Array.from({ length: 20 }, () => connected(bench.port)));
  for (const scraper of scrapers) scraper.pause().write('GET /metrics HTTP/1.1\r\nHost: shop\r\n\r\n');
  const slowest = await slowestMs(bench);
  expect(log.writableLength).toBeGreaterThan(8 * 1_024 * 1_024);
  // They stand still all the same; nothing waits for them, so a second is only what a busy machine takes.
  expect(slowest).toBeLessThan(1_000);
  await bench.atRest();
});
