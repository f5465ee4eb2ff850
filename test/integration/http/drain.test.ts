import { once } from 'node:events';
import { connect } from 'node:net';
import type { Request, Response } from 'express';
import { health, protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, busyParts, expectBalanced, latch, type ServeOptions, serve } from './harness.js';
import { RawClient } from './raw-client.js';

let postgres: PostgresServer;
let bench: Bench;
const unguarded = latch();
let act: (req: Request, res: Response) => unknown;

const start = async (gateway: ServeOptions['gateway'] = {}): Promise<void> => {
  bench = await serve(
    {
      url: postgres.url,
      gateway,
      pools: { main: { max: 1 } },
      routes: { work: { pool: 'main', deadlineMs: 20_000 }, free: {} },
    },
    (app, made, express) => {
      app.use(health(made));
      app.get('/unguarded', async (_req, res) => {
        await unguarded.promise;
        res.end('late');
      });
      app.get(
        '/work',
        protect(made, 'work', {}, (req, res) => act(req, res)),
      );
      app.get(
        '/free',
        protect(made, 'free', {}, (req, res) => act(req, res)),
      );
      app.post(
        '/body',
        protect(made, 'work', { body: express.json() }, (req, res) => act(req, res)),
      );
    },
  );
};
const sessions = async (): Promise<number> =>
  (
    await ask(postgres.url, 'SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [
      bench.gateway.config.applicationName,
    ])
  ).length;
const pool = () => bench.gateway.entry('work').runtime.pool?.pool;
const get = (path: string) => bench.request.get(path).then(({ status, body, headers }) => ({ status, body, headers }));

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
beforeEach(() => start());
afterEach(async () => {
  await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
  expect(busyParts(bench.gateway)).toEqual([]);
  for (const route of ['work', 'free']) expectBalanced(bench.stats(route), route);
  expect(await sessions()).toBe(0);
  expect(bench.server.listening).toBe(false);
  expect(bench.unexpected).toEqual([]);
});
afterAll(() => postgres.close());

describe('drain', () => {
  it('first fails readiness, and admits until balancers have seen it', async () => {
    await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
    await start({ readinessDelayMs: 400 });
    act = (_req, res) => res.json({ served: true });
    await bench.request.get('/readyz').expect(200);
    const startedMs = performance.now();
    const drained = bench.gateway.drain({ server: bench.server });
    const ready = await get('/readyz');
    expect([ready.status, ready.body]).toEqual([503, { status: 'fail', reasons: ['draining'] }]);
    await bench.request.get('/healthz').expect(200);
    expect((await get('/work')).status).toBe(200);
    expect(bench.gateway.draining).toBe(false);
    expect(bench.gateway.snapshot().draining).toBe(true);
    await drained;
    expect(bench.gateway.draining).toBe(true);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(395);
  });

  it('then refuses what is new, closing its connection, while what is in flight ends well; pools go last', async () => {
    const hold = latch();
    act = async (req, res) => {
      await req.sluice.query('SELECT 1');
      await hold.promise;
      const { rows } = await req.sluice.query('SELECT 2 AS two');
      res.json(rows);
    };
    const client = await RawClient.sends(bench.port, 'GET', '/work');
    await until(() => bench.stats('work').inFlight === 1);
    const drained = bench.gateway.drain({ server: bench.server });
    expect(bench.gateway.draining).toBe(true);
    // It listens still.
    const newcomer = await RawClient.sends(bench.port, 'GET', '/work');
    await newcomer.closed();
    expect(newcomer.received).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*connection: close[\s\S]*"code":"draining"[\s\S]*"outcome":"not_started"/i,
    );
    expect(pool()?.state).toBe('up');
    hold.open();
    await client.closed();
    await drained;
    expect(pool()?.state).toBe('closed');
    expect(client.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*\[\{"two":2\}\]/i);
  });

  it('ends each connection with its next answer while it still admits, guarded or not', async () => {
    await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
    await start({ readinessDelayMs: 60_000 });
    act = (_req, res) => res.json({ served: true });
    const answerOn = async (client: RawClient, path: string): Promise<string> => {
      client.write(`GET ${path} HTTP/1.1`, 'Host: test', '', '');
      await client.closed();
      return client.received.slice(client.received.lastIndexOf('HTTP/1.1 '));
    };
    const [guarded, plain] = [
      await RawClient.sends(bench.port, 'GET', '/free'),
      await RawClient.sends(bench.port, 'GET', '/healthz'),
    ];
    await until(() => [guarded, plain].every(({ received }) => /keep-alive[\s\S]*\}/i.test(received)));
    const drained = bench.gateway.drain({ server: bench.server });
    expect(await answerOn(guarded, '/free')).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    expect(await answerOn(plain, '/healthz')).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    expect(bench.gateway.draining).toBe(false);
    void bench.gateway.drain({ timeoutMs: 0 });
    await drained;
  });

  it('does so behind its guards also where it is not given the server', async () => {
    await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
    await start({ readinessDelayMs: 60_000 });
    act = (_req, res) => res.json({ served: true });
    const drained = bench.gateway.drain();
    const client = await RawClient.sends(bench.port, 'GET', '/free');
    await client.closed();
    expect(client.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close/i);
    void bench.gateway.drain({ timeoutMs: 0 });
    await drained;
    await new Promise((resolve) => bench.server.close(resolve));
  });

  it('does not wait for a connection on which nothing was ever sent', async () => {
    const silent = connect(bench.port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    // The server knows of a connection before it answers one that came later.
    await get('/healthz');
    const startedMs = performance.now();
    await bench.gateway.drain({ server: bench.server, timeoutMs: 15_000 });
    await closed;
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  it('waits for an answer without a guard that began after it', async () => {
    await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
    await start({ readinessDelayMs: 200 });
    const drained = bench.gateway.drain({ server: bench.server });
    const slow = await RawClient.sends(bench.port, 'GET', '/unguarded');
    await until(() => !bench.server.listening);
    // Longer than a connection is waited for that nothing is known of.
    const sinceMs = performance.now();
    await until(() => performance.now() - sinceMs > 800);
    unguarded.open();
    await slow.closed();
    expect(slow.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
    await drained;
  });

  it('serves what is queued, in its time', async () => {
    const hold = latch();
    act = async (_req, res) => {
      await hold.promise;
      res.json({ served: true });
    };
    const answers = [1, 2, 3].map(() => get('/work'));
    await until(() => bench.gateway.entry('work').runtime.queued === 2);
    const drained = bench.gateway.drain({ server: bench.server });
    hold.open();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await drained;
  });

  it('waits for an answer that is still being read', async () => {
    act = (_req, res) => res.end(Buffer.alloc(30_000_000, 'x'));
    const slow = await RawClient.sends(bench.port, 'GET', '/free', { Connection: 'close' });
    slow.socket.pause();
    await until(() => bench.stats('free').ended === 1);
    const drained = bench.gateway.drain({ server: bench.server, timeoutMs: 10_000 });
    await until(() => bench.gateway.draining);
    slow.socket.resume();
    await slow.closed();
    expect(slow.received.length).toBeGreaterThan(30_000_000);
    await drained;
  });

  it('waits for a request whose body is still coming', async () => {
    act = (req, res) => res.json({ got: req.body });
    const client = await RawClient.sends(bench.port, 'POST', '/body', {
      'Content-Type': 'application/json',
      'Content-Length': '7',
    });
    client.write('{"a"');
    await until(() => bench.stats('work').undecided === 1);
    const drained = bench.gateway.drain({ server: bench.server });
    client.write(':1}');
    await client.closed();
    expect(client.received).toContain('{"got":{"a":1}}');
    await drained;
  });

  it('at its bound cancels what is in flight on the server, and sheds what is queued; each gets its answer', async () => {
    act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(20)'));
    const first = get('/work');
    await until(async () => (await bench.running()).length === 1);
    const second = get('/work');
    await until(() => bench.gateway.entry('work').runtime.queued === 1);
    const startedMs = performance.now();
    await bench.gateway.drain({ server: bench.server, timeoutMs: 200 });
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(195);
    expect(tookMs).toBeLessThan(2_000);
    expect(await bench.running()).toEqual([]);
    expect(await second).toMatchObject({ status: 503, body: { code: 'draining', outcome: 'not_started' } });
    expect(await first).toMatchObject({
      status: 503,
      headers: { connection: 'close' },
      body: { code: 'draining', outcome: 'rolled_back' },
    });
  });

  it('at its bound answers for handlers that ask the database nothing, and stops them', async () => {
    let signal: AbortSignal | undefined;
    act = (req) => {
      signal = req.sluice.signal;
    };
    const hanging = get('/free');
    await until(() => bench.stats('free').inFlight === 1);
    const beside = get('/work');
    await until(() => bench.stats('work').inFlight === 1);
    await bench.gateway.drain({ server: bench.server, timeoutMs: 100 });
    const draining = { code: 'draining', measured: { stage: 'handler' } };
    // What a handler without a pool has done nobody here can tell.
    expect(await hanging).toMatchObject({
      status: 504,
      headers: { connection: 'close' },
      body: { ...draining, outcome: 'unknown' },
    });
    expect(await beside).toMatchObject({ status: 503, body: { ...draining, outcome: 'not_started' } });
    await until(() => signal?.aborted === true);
  });

  it('does not cut a COMMIT that is on its way', async () => {
    // Shorter than the server takes to see, before its transaction is over, that the client is gone.
    await ask(
      postgres.url,
      `CREATE TABLE slow (id int); CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(0.25); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER t AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`,
    );
    act = async (req, res) => {
      await req.sluice.transaction((client) => client.query('INSERT INTO slow VALUES (1)'));
      res.json({ committed: true });
    };
    const answer = get('/work').catch((error: Error) => error.message);
    await until(async () => (await bench.running()).includes('COMMIT'));
    await bench.gateway.drain({ server: bench.server, timeoutMs: 50 });
    await answer;
    await until(async () => (await ask(postgres.url, 'SELECT 1 FROM slow')).length === 1);
  });

  it('refuses work outside HTTP too', async () => {
    await bench.gateway.drain({ server: bench.server });
    await expect(bench.gateway.run('work', async () => 1)).rejects.toMatchObject({
      code: 'draining',
      outcome: 'not_started',
    });
  });

  it('a later call hurries it, from whatever it waits for', async () => {
    await bench.gateway.drain({ server: bench.server, timeoutMs: 0 });
    await start({ readinessDelayMs: 60_000 });
    act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(20)'));
    const inFlight = get('/work');
    await until(async () => (await bench.running()).length === 1);
    const startedMs = performance.now();
    const drained = bench.gateway.drain({ server: bench.server });
    void bench.gateway.drain();
    expect(bench.gateway.draining).toBe(false);
    void bench.gateway.drain({ timeoutMs: 100 });
    await drained;
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(95);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(await bench.running()).toEqual([]);
    expect(await inFlight).toMatchObject({ status: 503, body: { code: 'draining', outcome: 'rolled_back' } });
  });

  it('a second call gets the same promise, whatever its options', async () => {
    const first = bench.gateway.drain({ server: bench.server, timeoutMs: 1_000 });
    expect(bench.gateway.drain()).toBe(first);
    expect(bench.gateway.drain({ timeoutMs: 0 })).toBe(first);
    await first;
  });

  it('takes a server that was closed already', async () => {
    await new Promise((resolve) => bench.server.close(resolve));
    await expect(bench.gateway.drain({ server: bench.server })).resolves.toBeUndefined();
  });

  it('without a server closes the pools all the same', async () => {
    await bench.gateway.drain({ timeoutMs: 100 });
    expect(pool()?.state).toBe('closed');
    expect(await get('/work')).toMatchObject({
      status: 503,
      body: { code: 'draining' },
      headers: { connection: 'close' },
    });
    await new Promise((resolve) => bench.server.close(resolve));
  });

  it('with the database away ends too', async () => {
    await postgres.stop();
    await until(() => pool()?.state === 'down');
    await bench.gateway.drain({ server: bench.server, timeoutMs: 500 });
    expect(pool()?.state).toBe('closed');
    await postgres.start();
  });
});
