import { setTimeout as delay } from 'node:timers/promises';
import { problemDetails, protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, latch, type ServeOptions, serve } from './harness.js';

let postgres: PostgresServer;
let bench: Bench | undefined;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});
afterAll(() => postgres?.close());

/** Milliseconds by name. */
function timing(header: string | undefined): Record<string, number> {
  const metrics = (header ?? '').split(', ').map((metric) => /^([a-z]+);dur=(\d+\.\d)$/.exec(metric));
  return Object.fromEntries(metrics.map((found) => [found?.[1] ?? `not a metric: ${header}`, Number(found?.[2])]));
}

const options = (serverTiming: boolean, more: Partial<ServeOptions> = {}): ServeOptions => ({
  url: postgres.url,
  pools: { main: { max: 1 } },
  routes: { work: { pool: 'main', deadlineMs: 5_000 }, plain: { deadlineMs: 5_000 } },
  gateway: { serverTiming },
  ...more,
});

describe.each(FRAMEWORKS)('Server-Timing on %s', (_, express) => {
  it('tells queue wait, waits for connections, statements and total', async () => {
    let requests = 0;
    bench = await serve(options(true, { express }), (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), async (req, res) => {
        requests += 1;
        if (requests === 1) await until(() => bench?.stats('work').queued === 1);
        await req.sluice.transaction((client) => client.query('select pg_sleep(0.05)'));
        await delay(20);
        res.json({});
      });
      app.get('/plain', protect(gateway, 'plain'), (_req, res) => res.json({}));
    });
    const answers = await Promise.all([bench.request.get('/work'), bench.request.get('/work')]);
    const told = answers.map(({ headers }) => timing(headers['server-timing']));
    for (const { queue = -1, acquire = -1, db = 0, total = 0 } of told) {
      expect(acquire).toBeGreaterThanOrEqual(0);
      expect(db).toBeGreaterThanOrEqual(49);
      // Rounded each.
      expect(total).toBeGreaterThanOrEqual(queue + acquire + db + 15 - 0.3);
    }
    // One seat: who came second waited for the first to end.
    expect(Math.max(...told.map(({ queue = 0 }) => queue))).toBeGreaterThan(50);
    const plain = await bench.request.get('/plain');
    expect(Object.keys(timing(plain.headers['server-timing']))).toEqual(['queue', 'total']);
  });

  it('tells the wait for a connection', async () => {
    const routes = { work: { pool: 'main', deadlineMs: 5_000 } };
    let requests = 1;
    bench = await serve(
      options(true, { express, routes, pools: { main: { max: 1, operationsPerRequest: 0.5 } } }),
      (app, gateway) => {
        app.get('/work', protect(gateway, 'work'), async (req, res) => {
          await req.sluice.transaction(async (client) => {
            await until(() => requests === 2 || gateway.snapshot().pools[0]?.connections.acquiring === 1);
            requests += 1;
            await client.query('select pg_sleep(0.05)');
          });
          res.json({});
        });
      },
    );
    const answers = await Promise.all([bench.request.get('/work'), bench.request.get('/work')]);
    const waits = answers.map(({ headers }) => timing(headers['server-timing']).acquire ?? -1);
    expect(Math.max(...waits)).toBeGreaterThan(45);
  });

  it('leaves a stream alone, and says of it what was known when it began', async () => {
    const routes = { work: { pool: 'main', stream: true, deadlineMs: 5_000 } } as const;
    bench = await serve(options(true, { express, routes }), (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), async (req, res) => {
        res.setHeader('Server-Timing', 'cache;desc=miss');
        res.write('first ');
        await req.sluice.query('select pg_sleep(0.05)');
        res.end('last');
      });
    });
    const { text, headers } = await bench.request.get('/work');
    expect(text).toBe('first last');
    expect(headers['server-timing']).toMatch(/^cache;desc=miss, queue;dur=[\d.]+, acquire;dur=0.0, db;dur=0.0, total/);
  });

  it.each([
    ['an object', (own: string) => ({ 'server-timing': own })],
    ['a list', (own: string) => ['X-Own', 'yes', 'server-timing', own]],
    ['other headers', () => ({ 'X-Own': 'yes' })],
  ])('adds to what a handler gives `writeHead` as %s', async (_what, headersOf) => {
    bench = await serve(options(true, { express }), (app, gateway) => {
      app.get('/plain', protect(gateway, 'plain'), (_req, res) => {
        const headers = headersOf('cache;desc=hit');
        if (Object.values(headers).includes('yes')) res.setHeader('Server-Timing', 'cache;desc=hit');
        res.writeHead(200, headers as Record<string, string>).end('done');
      });
    });
    const { headers, text } = await bench.request.get('/plain');
    expect(text).toBe('done');
    expect(headers['server-timing']).toMatch(/^cache;desc=hit, queue;dur=0.0, total;dur=[\d.]+$/);
  });

  it('tells of refusals, with what they have waited', async () => {
    const held = latch();
    const routes = {
      work: { pool: 'main', deadlineMs: 30_000 },
      hasty: { pool: 'main', deadlineMs: 300 },
      dry: { ratePerSecond: 0.001, burst: 1 },
    };
    bench = await serve(options(true, { express, routes }), (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), (_req, res) => void held.promise.then(() => res.json({})));
      app.get('/hasty', protect(gateway, 'hasty'), (_req, res) => res.json({}));
      app.get('/dry', protect(gateway, 'dry'), (_req, res) => res.json({}));
    });
    const working = bench.request.get('/work').then(({ status }) => status);
    await until(() => bench?.stats('work').inFlight === 1);
    const hasty = await bench.request.get('/hasty');
    held.open();
    expect([hasty.status, hasty.body.measured.stage, await working]).toEqual([503, 'queue', 200]);
    const { queue = 0, total = 0 } = timing(hasty.headers['server-timing']);
    expect(queue).toBeGreaterThan(100);
    expect(total).toBeGreaterThanOrEqual(queue - 0.1);
    await bench.request.get('/dry').expect(200);
    const dry = await bench.request.get('/dry').expect(429);
    expect(dry.headers['server-timing']).toMatch(/^queue;dur=0.0, total;dur=/);
  });

  it('tells of an answer that Sluice gave for a handler that was late', async () => {
    const routes = { work: { pool: 'main', deadlineMs: 150 } };
    bench = await serve(options(true, { express, routes }), (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), (req) => req.sluice.query('select pg_sleep(2)').catch(() => {}));
    });
    const answer = await bench.request.get('/work');
    expect([answer.status, answer.body.code]).toEqual([504, 'deadline_expired']);
    // The statement is still under way, and took nearly all of the time.
    const { acquire = -1, db = -1, total = -1 } = timing(answer.headers['server-timing']);
    expect(total).toBeGreaterThanOrEqual(149);
    expect(db).toBeGreaterThan(total / 2);
    expect(acquire + db).toBeLessThanOrEqual(total + 0.2);
  });

  it('tells of a wait for a connection that lasted until the answer', async () => {
    const routes = { work: { pool: 'main', deadlineMs: 20_000 }, hasty: { pool: 'main', deadlineMs: 150 } };
    const held = latch();
    const pools = { main: { max: 1, operationsPerRequest: 0.5 } };
    bench = await serve(options(true, { express, routes, pools }), (app, gateway) => {
      app.get('/work', protect(gateway, 'work'), async (req, res) => {
        await req.sluice.transaction(async (client) => {
          await client.query('select 1');
          await held.promise;
        });
        res.json({});
      });
      app.get('/hasty', protect(gateway, 'hasty'), (req) => req.sluice.query('select 1').catch(() => {}));
    });
    const working = bench.request.get('/work').then(({ status }) => status);
    await until(() => bench?.gateway.snapshot().pools[0]?.connections.inUse === 1);
    const hasty = await bench.request.get('/hasty');
    held.open();
    const { acquire = -1, db = -1, total = -1 } = timing(hasty.headers['server-timing']);
    expect([hasty.status, db, await working]).toEqual([504, 0, 200]);
    expect(acquire).toBeGreaterThan(total / 2);
  });

  it('keeps times from those who get no explanations', async () => {
    bench = await serve(options(true, { express }), (app, gateway) => {
      app.use(problemDetails((req) => req.get('x-colleague') === 'yes'));
      app.get('/plain', protect(gateway, 'plain'), (_req, res) => res.json({}));
    });
    expect((await bench.request.get('/plain')).headers).not.toHaveProperty('server-timing');
    const colleague = await bench.request.get('/plain').set('x-colleague', 'yes');
    expect(colleague.headers['server-timing']).toMatch(/^queue;dur=/);
  });

  it('tells nothing, and measures nothing, unless asked', async () => {
    bench = await serve(options(false, { express }), (app, gateway) => {
      app.get('/plain', protect(gateway, 'plain'), (req, res) => {
        res.json({ own: Object.hasOwn(res, 'writeHead'), route: req.sluice.route });
      });
    });
    const { headers, body } = await bench.request.get('/plain');
    expect(headers).not.toHaveProperty('server-timing');
    expect(body).toEqual({ own: false, route: 'plain' });
  });
});
