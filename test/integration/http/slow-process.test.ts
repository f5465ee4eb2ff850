import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { health, protect } from 'sluice/express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, serve } from './harness.js';

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly code?: string;
}

/** Sends each path at its instant, from a thread that nobody blocks. */
const CLIENT = `
  const http = require('node:http');
  const { workerData: { port, plan }, parentPort } = require('node:worker_threads');
  const agent = new http.Agent({ keepAlive: true });
  const get = (path) => new Promise((resolve) => {
    http.get({ port, host: '127.0.0.1', path, agent }, (res) => {
      let text = '';
      res.on('data', (chunk) => { text += chunk; });
      res.on('end', () => resolve({ path, status: res.statusCode, code: text.startsWith('{') ? JSON.parse(text).code : undefined }));
    });
  });
  Promise.all(plan.map(([atMs, path]) => new Promise((resolve) => setTimeout(() => get(path).then(resolve), atMs))))
    .then((answers) => parentPort.postMessage(answers));
`;

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

async function send(port: number, plan: readonly (readonly [atMs: number, path: string])[]): Promise<Answer[]> {
  const worker = new Worker(CLIENT, { eval: true, workerData: { port, plan } });
  const [answers] = (await once(worker, 'message')) as [Answer[]];
  await worker.terminate();
  return answers;
}

describe('a process that cannot keep up', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await serve(
      {
        gateway: { maxEventLoopLagMs: 50 },
        routes: { critical: { priority: 'critical' }, low: { priority: 'low' } },
      },
      (app, gateway) => {
        for (const route of ['critical', 'low'] as const) {
          app.get(
            `/${route}`,
            protect(gateway, route, {}, (_req, res) => res.json({})),
          );
        }
        app.use(health(gateway));
      },
    );
  });
  afterAll(() => bench.close());

  it('sheds the lower classes, and neither the top class nor health checks; and admits again when it is over', async () => {
    let blocking = true;
    const turn = (): void => {
      if (!blocking) return;
      block(80);
      setImmediate(turn);
    };
    turn();
    const plan = ['critical', 'low', 'healthz'].flatMap((path) =>
      Array.from({ length: 10 }, (_, n) => [1_000 + 50 * n, `/${path}`] as const),
    );
    const answers = await send(bench.port, plan);
    const of = (path: string) => answers.filter((answer) => answer.path === path).map(({ status }) => status);
    blocking = false;
    const ten = (status: number) => Array.from({ length: 10 }, () => status);
    expect(of('/low')).toEqual(ten(503));
    expect(new Set(answers.filter(({ path }) => path === '/low').map(({ code }) => code))).toEqual(
      new Set(['overloaded']),
    );
    const { measured } = bench.stats('low').lastRefusals.list()[0] ?? {};
    expect(measured).toMatchObject({ stage: 'arrival', route: 'low', event_loop_lag_ms: expect.any(Number) });
    // Half of the bound of the lowest class.
    expect(measured?.passes_with_event_loop_lag_ms).toBe(bench.gateway.config.maxEventLoopLagMs / 2);
    expect(of('/critical')).toEqual(ten(200));
    expect(of('/healthz')).toEqual(ten(200));
    await until(async () => (await bench.request.get('/low')).status === 200);
  });

  it('sheds nobody for one stall of a process that rests otherwise', async () => {
    await until(async () => (await bench.request.get('/low')).status === 200);
    await until(() => bench.gateway.telemetry().eventLoopLagMs < 1);
    const stall = setTimeout(() => block(300), 300);
    const plan = Array.from({ length: 10 }, (_, n) => [250 + 50 * n, '/low'] as const);
    const answers = await send(bench.port, plan);
    clearTimeout(stall);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  });
});

describe('after half a second in which nobody looked', () => {
  let postgres: PostgresServer;
  let bench: Bench;

  beforeAll(async () => {
    postgres = await startPostgres({ settings: { fsync: 'off' } });
    bench = await serve(
      {
        url: postgres.url,
        pools: { main: { max: 4 } },
        routes: { stalled: { pool: 'main', deadlineMs: 300 }, next: { pool: 'main', deadlineMs: 400 } },
      },
      (app, gateway) => {
        app.get(
          '/stalled',
          protect(gateway, 'stalled', {}, async (req, res) => {
            // Not in a timer's own turn, which Node follows with input: here the timers come first.
            setTimeout(() => setImmediate(() => block(500)), 20);
            res.json((await req.sluice.query('SELECT pg_sleep(0.1)')).rows);
          }),
        );
        app.get(
          '/next',
          protect(gateway, 'next', {}, async (req, res) => res.json((await req.sluice.query('SELECT 1')).rows)),
        );
      },
    );
  });
  afterAll(async () => {
    await bench?.close();
    await postgres?.close();
  });

  it('an answer of the database that came in time counts, and so does what arrived meanwhile', async () => {
    await bench.request.get('/next').expect(200);
    const plan = [[0, '/stalled'], ...Array.from({ length: 6 }, (_, n) => [150 + 50 * n, '/next'])] as [
      number,
      string,
    ][];
    const answers = await send(bench.port, plan);
    expect(answers.map(({ path, status, code }) => [path, status, code])).toEqual(
      plan.map(([, path]) => [path, 200, undefined]),
    );
    expect(bench.stats('stalled').outcomes).toMatchObject({ succeeded: 1, expired: 0 });
    await bench.atRest();
  });
});
