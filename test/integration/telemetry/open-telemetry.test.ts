import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Attributes } from '@opentelemetry/api';
import type { Request, Response } from 'express';
import { instrument } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AdmissionMessage } from '../../../src/telemetry/channels.js';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { unheardRejections } from '../../support/unheard-rejections.js';
import { type Bench, latch, serve } from '../http/harness.js';
import { until } from '../pools/pool-fixture.js';
import { activeSpan, RecordingMeter, recordingTracer } from './recorder.js';

let postgres: PostgresServer;
let bench: Bench;
let act: (req: Request, res: Response) => unknown;
let stop: () => void = () => undefined;

const get = (name = 'parent') => bench.request.get('/work').set('X-Span', name);

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

beforeEach(async () => {
  bench = await serve(
    {
      url: postgres.url,
      pools: { main: { max: 1, minIdle: 1 } },
      routes: { work: { pool: 'main', priority: 'high', deadlineMs: 10_000, maxQueued: 1 } },
    },
    (app, gateway) => {
      app.use((req, _res, next) => activeSpan.run(String(req.headers['x-span']), next));
      app.get(
        '/work',
        protect(gateway, 'work', {}, (req, res) => act(req, res)),
      );
    },
  );
  act = async (req, res) => {
    await req.sluice.query("SELECT 'secret-text', $1::text", ['secret-value']);
    res.json('done');
  };
});
afterEach(async () => {
  stop();
  stop = () => undefined;
  await bench.atRest();
  await bench.close();
});

const statusOf = (attributes: Attributes): number => Number(attributes['http.response.status_code'] ?? 0);

/** One request holds the seat, one waits, one is shed; then the seat is let go. */
async function crowd(): Promise<number[]> {
  const { work } = { work: bench.stats('work') };
  const gate = latch();
  const usual = act;
  act = async (req, res) => {
    await gate.promise;
    await usual(req, res);
  };
  const first = get('first').then(({ status }) => status);
  await until(() => work.inFlight === 1);
  const second = get('second').then(({ status }) => status);
  await until(() => work.queued === 1);
  const third = await get('third').then(({ status }) => status);
  gate.open();
  return [await first, await second, third];
}

test('a request that waits, one that is shed and their statements become spans below their own', async () => {
  const { tracer, spans } = recordingTracer();
  stop = instrument(bench.gateway, { tracer });
  expect(await crowd()).toEqual([200, 200, 503]);
  await until(() => spans.length === 4);
  const named = (parent: string) => spans.filter((span) => span.parent === parent);
  expect(named('first').map(({ name }) => name)).toEqual(['SELECT main']);
  expect(named('second').map(({ name }) => name)).toEqual(['sluice.queue', 'SELECT main']);
  expect(named('second')[0]?.durationMs).toBeGreaterThan(1);
  expect(named('second')[0]?.status).toBeUndefined();
  expect(named('third')).toEqual([
    {
      name: 'sluice.queue',
      kind: 0,
      attributes: expect.objectContaining({
        'sluice.route': 'work',
        'sluice.class': 'high',
        'sluice.result': 'queue_full',
        'sluice.measured.queued': 1,
        'error.type': 'queue_full',
      }),
      status: { code: 2, message: 'queue_full' },
      durationMs: 0,
      parent: 'third',
    },
  ]);
  expect(named('first')[0]).toMatchObject({
    kind: 2,
    attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' },
  });
  expect(JSON.stringify(spans)).not.toContain('secret');
});

test('a wait for a connection is a span, and a statement that fails names its state and nothing else', async () => {
  const { tracer, spans } = recordingTracer();
  stop = instrument(bench.gateway, { tracer });
  act = async (req, res) => {
    const failed = req.sluice.query("SELECT 'secret'::int").catch(() => undefined);
    await Promise.all([failed, req.sluice.query('VALUES (1)')]);
    res.json('done');
  };
  expect((await get()).status).toBe(200);
  expect(spans.map(({ name, status }) => [name, status?.message])).toEqual([
    ['SELECT main', '22P02'],
    ['sluice.acquire', undefined],
    ['VALUES main', undefined],
  ]);
  expect(spans[0]?.attributes['error.type']).toBe('22P02');
  expect(JSON.stringify(spans)).not.toContain('secret');
});

test('measures carry the names and units of the conventions, and the counts of the gateway', async () => {
  const recording = new RecordingMeter();
  stop = instrument(bench.gateway, { meter: recording.meter });
  await crowd();
  await until(() => bench.stats('work').ended === 2);
  const about = { 'sluice.route': 'work', 'sluice.class': 'high', 'sluice.pool': 'main' };
  expect(Object.fromEntries(recording.units)).toEqual({
    'sluice.requests': '{request}',
    'sluice.active_request_leases': '{request}',
    'sluice.queued_requests': '{request}',
    'sluice.request.time_in_queue': 's',
    'sluice.request_lease.duration': 's',
    'sluice.pool.up': undefined,
    'db.client.connection.count': '{connection}',
    'db.client.connection.max': '{connection}',
    'db.client.connection.pending_requests': '{request}',
    'db.client.connection.timeouts': '{timeout}',
    'db.client.connection.create_time': 's',
    'http.server.request.duration': 's',
    'db.client.connection.wait_time': 's',
    'db.client.connection.use_time': 's',
    'db.client.operation.duration': 's',
  });
  const requests = recording.collect('sluice.requests').filter(({ value }) => value > 0);
  expect(requests).toEqual([
    { value: 2, attributes: { ...about, 'sluice.result': 'acquired' } },
    { value: 1, attributes: { ...about, 'sluice.result': 'queue_full' } },
  ]);
  const waits = recording.values('sluice.request.time_in_queue', about);
  expect([waits.length, waits[0]]).toEqual([2, 0]);
  expect(waits[1]).toBeGreaterThan(0.001);
  expect(recording.values('sluice.request_lease.duration', { 'sluice.outcome': 'succeeded' })).toHaveLength(2);
  const database = { 'db.client.connection.pool.name': 'main' };
  expect(recording.values('db.client.operation.duration', database)).toHaveLength(2);
  expect(recording.values('db.client.connection.use_time', database)).toHaveLength(2);
  expect(recording.collect('db.client.connection.count')).toEqual([
    { value: 1, attributes: { ...database, 'db.client.connection.state': 'idle' } },
    { value: 0, attributes: { ...database, 'db.client.connection.state': 'used' } },
  ]);
});

test('HTTP requests are measured with method, template and status, whether answered, shed or left', async () => {
  const recording = new RecordingMeter();
  stop = instrument(bench.gateway, { meter: recording.meter });
  await crowd();
  const held = latch();
  act = () => held.promise;
  const left = get();
  const gone = left.then(
    () => 'answered',
    () => 'left',
  );
  await until(() => bench.stats('work').inFlight === 1);
  left.abort();
  expect(await gone).toBe('left');
  await until(() => bench.stats('work').ended === 3);
  held.open();
  const answers = recording.recorded.filter(({ name }) => name === 'http.server.request.duration');
  const common = { 'http.request.method': 'GET', 'http.route': '/work', 'sluice.route': 'work', 'url.scheme': 'http' };
  const bySuccess = answers.map(({ attributes }) => attributes).sort((a, b) => statusOf(a) - statusOf(b));
  expect(bySuccess).toEqual([
    { ...common, 'error.type': '499' },
    { ...common, 'http.response.status_code': 200 },
    { ...common, 'http.response.status_code': 200 },
    { ...common, 'http.response.status_code': 503, 'error.type': '503' },
  ]);
  const counted = Array.from(bench.stats('work').http, ({ method, status, times }) => [method, status, times.count]);
  expect(counted).toEqual([
    ['GET', 503, 1],
    ['GET', 200, 2],
    ['GET', 499, 1],
  ]);
});

test('a mounted path, which may hold anything, is told of no template', async () => {
  const recording = new RecordingMeter();
  const other = await serve({ routes: { work: { concurrency: 1 } } }, (app, gateway, express) => {
    const router = express.Router();
    router.get('/orders/:id', protect(gateway, 'work'), (_req, res) => res.json({}));
    app.use('/:tenant', router);
  });
  stop = instrument(other.gateway, { meter: recording.meter });
  await other.request.get('/acme/orders/7');
  await other.request.post('/acme/orders/7');
  await other.close();
  const [answer, ...more] = recording.recorded.filter(({ name }) => name === 'http.server.request.duration');
  expect(answer?.attributes).not.toHaveProperty('http.route');
  expect(more).toEqual([]);
});

test('connections that were opened, and waits for one that were too long, are measured', async () => {
  const recording = new RecordingMeter();
  const routes = { work: { pool: 'main', deadlineMs: 300, commitGraceMs: 0 } };
  const other = await serve({ url: postgres.url, pools: { main: { max: 1, minIdle: 0 } }, routes }, () => undefined);
  stop = instrument(other.gateway, { meter: recording.meter });
  await other.gateway
    .run('work', async (handle) => {
      // The second waits for the connection of the first.
      await Promise.all([handle.query('select pg_sleep(10)'), handle.query('select 1')]);
    })
    .catch(() => undefined);
  const timeouts = (): number => recording.collect('db.client.connection.timeouts')[0]?.value ?? -1;
  await until(() => timeouts() === 1);
  // The connection that was never given back was taken away, and the pool opens another when it is asked for one.
  other.gateway.recycle('main');
  await until(() => other.gateway.snapshot().pools[0]?.connections.total === 0);
  await other.gateway.run('work', (handle) => handle.query('select 1'));
  const created = recording.values('db.client.connection.create_time', { 'db.client.connection.pool.name': 'main' });
  expect(created.length).toBeGreaterThan(0);
  expect(created.every((seconds) => seconds > 0 && seconds < 60)).toBe(true);
  const { connects, gauges } = Array.from(other.gateway.telemetry().pools())[0] ?? {};
  expect(connects?.times.count).toBe(gauges?.().opened);
  await other.close();
});

test('hears of its own gateway alone, and of nothing any more once it was ended', async () => {
  const { tracer, spans } = recordingTracer();
  const other = await serve({ routes: { work: { concurrency: 1 } } }, () => undefined);
  const end = instrument(other.gateway, { tracer });
  expect((await get()).status).toBe(200);
  end();
  await other.close();
  const recording = new RecordingMeter();
  const endMeter = instrument(bench.gateway, { meter: recording.meter, tracer });
  endMeter();
  expect((await get()).status).toBe(200);
  expect(spans).toEqual([]);
  expect(recording.recorded).toEqual([]);
  expect(recording.collect('sluice.requests')).toEqual([]);
});

const fails = (): never => {
  throw new Error('the exporter is broken');
};

test.each([
  ['throw', fails, fails],
  ['reject', async () => fails(), () => ({ setStatus: async () => fails(), end: async () => fails() })],
])('a tracer and a meter that %s do not reach the request', async (_what, record, startSpan) => {
  const { tracer } = recordingTracer();
  const { meter } = new RecordingMeter();
  Object.assign(tracer, { startSpan });
  Object.assign(meter, { createHistogram: () => ({ record }) });
  stop = instrument(bench.gateway, { tracer, meter });
  const rejections = await unheardRejections(async () => {
    expect(await crowd()).toEqual([200, 200, 503]);
  });
  expect(rejections).toEqual([]);
});

test('without anybody who listens no request is watched', async () => {
  const work = bench.gateway.entry('work');
  const host = { proceed: () => {}, refuse: () => {}, expire: () => {}, streaming: () => false };
  expect(work.classify(performance.now(), host, {}).watch).toBeUndefined();
  const heard: unknown[] = [];
  const hear = (message: unknown): unknown => heard.push(message);
  subscribe('sluice:admission', hear);
  const watched = work.classify(performance.now(), host, {});
  expect(watched.watch).toBeDefined();
  watched.enter(performance.now());
  watched.complete(performance.now(), 'succeeded');
  unsubscribe('sluice:admission', hear);
  const message = heard[0] as AdmissionMessage;
  expect(message).toMatchObject({ route: 'work', pool: 'main', priority: 'high', result: 'acquired', queueWaitMs: 0 });
  // The classified request of the first line was never entered; it counts as one that left.
  bench.stats('work').abandon();
});

test('asks for a meter or a tracer', () => {
  expect(() => instrument(bench.gateway, {})).toThrow(/needs \{ meter \} or \{ tracer \}/);
});
