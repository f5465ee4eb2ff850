import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { protect, routeTable } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../examples/support/postgres-server.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, type Latch, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

describe.each(FRAMEWORKS)('seats, on %s', (name, express) => {
  let bench: Bench;
  let act: (req: Request, res: Response) => unknown;
  // Express 4 hears of rejections only through the handler form of the guard.
  const bare = name === 'Express 5' ? '/bare' : '/one';
  const seats = () => bench.gateway.entry('one').runtime.gate?.bulkhead;

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        url: postgres.url,
        pools: { main: { max: 1 }, other: { max: 1 } },
        routes: {
          one: { pool: 'main', deadlineMs: 10_000 },
          urgent: { pool: 'main', priority: 'critical', deadlineMs: 10_000 },
          elsewhere: { pool: 'other', deadlineMs: 10_000 },
          streamed: { pool: 'main', deadlineMs: 400, stream: true },
          impatient: { pool: 'main', deadlineMs: 400 },
          silent: { pool: 'main', deadlineMs: 400, stream: true },
          kept: { pool: 'main', onDisconnect: 'finish' },
          free: {},
        },
      },
      (app, gateway) => {
        const run = (req: Request, res: Response): unknown => act(req, res);
        for (const route of ['one', 'urgent', 'elsewhere', 'streamed', 'impatient', 'silent', 'kept', 'free']) {
          app.get(`/${route}`, protect(gateway, route, {}, run));
        }
        app.get('/bare', protect(gateway, 'one'), run);
        const mounted = express.Router();
        mounted.get('/things/:id', protect(gateway, 'one'), (req, res) => {
          res.json({ id: req.params.id, base: req.baseUrl, route: req.sluice.route });
        });
        app.use('/mounted', mounted);
        const tabled = express.Router();
        tabled.use(
          routeTable(
            gateway,
            { 'GET /orders/:id': 'one', 'ALL /any': { route: 'free' } },
            { router: express.Router() },
          ),
        );
        tabled.get('/orders/:id', (req, res) => res.json({ id: req.params.id, route: req.sluice.route }));
        tabled.all('/any', (req, res) => res.json({ method: req.method, route: req.sluice.route }));
        tabled.get('/open', (req, res) => res.json({ guarded: req.sluice !== undefined }));
        app.use('/table', tabled);
      },
    );
    act = async (req, res) => res.json((await req.sluice.query('SELECT 1 AS one')).rows);
    await bench.request.get('/one').expect(200);
    await bench.request.get('/elsewhere').expect(200);
  });
  afterEach(async () => {
    await bench.atRest();
    expect(bench.unexpected).toEqual([]);
  });
  afterAll(() => bench.close());

  describe('their end', () => {
    it('is not before the connection is idle, although the answer is out', async () => {
      const released = latch();
      act = async (req, res) => {
        const client = await req.sluice.connect();
        res.json({});
        await released.promise;
        client.release();
      };
      await bench.request.get('/one').expect(200);
      expect(seats()?.inFlight).toBe(1);
      released.open();
      await until(() => seats()?.inFlight === 0);
    });

    it('is not before the answer is complete, although the connection is idle', async () => {
      const answered = latch();
      const queried = latch();
      act = async (req, res) => {
        await req.sluice.query('SELECT 1');
        queried.open();
        await answered.promise;
        res.json({});
      };
      const answer = bench.request.get('/one').then(({ status }) => status);
      await queried.promise;
      expect(seats()?.inFlight).toBe(1);
      expect(bench.gateway.entry('one').runtime.pool?.pool.gauges().inUse).toBe(0);
      answered.open();
      expect(await answer).toBe(200);
      await until(() => seats()?.inFlight === 0);
    });

    it('does not wait for a slow reader of a large answer', async () => {
      const size = 64 * 1_024 * 1_024;
      const { ended } = bench.stats('one');
      act = async (req, res) => {
        await req.sluice.query('SELECT 1');
        res.end(Buffer.alloc(size, 'x'));
      };
      const slow = await RawClient.sends(bench.port, 'GET', '/one');
      slow.socket.pause();
      await until(() => bench.stats('one').ended === ended + 1);
      // The answer is still on its way to it, and somebody else has the seat.
      act = (_req, res) => res.json({});
      await bench.request.get('/one').expect(200);
      expect(slow.socket.bytesRead).toBeLessThan(size);
      slow.leave();
    });

    it('goes to the queued at once', async () => {
      const gate = latch();
      act = async (_req, res) => {
        await gate.promise;
        res.json({});
      };
      const answers = [1, 2, 3].map(() => bench.request.get('/one').then(({ status }) => status));
      await until(() => seats()?.queued === 2);
      expect(seats()?.inFlight).toBe(1);
      gate.open();
      expect(await Promise.all(answers)).toEqual([200, 200, 200]);
    });
  });

  it(`a client that leaves: a rejection that follows bothers no error handler (${bare})`, async () => {
    act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(10)'));
    const client = await RawClient.sends(bench.port, 'GET', bare);
    await until(async () => (await bench.running()).length === 1);
    client.leave();
    await until(() => bench.stats('one').inFlight === 0);
  });

  it('a client that leaves does not keep a real error from the error handlers', async () => {
    act = async (req) => {
      await req.sluice.query('SELECT pg_sleep(0.1)');
      throw new Error('a mistake of the handler');
    };
    const client = await RawClient.sends(bench.port, 'GET', '/kept');
    await until(async () => (await bench.running()).length === 1);
    client.leave();
    await until(() => bench.stats('kept').outcomes.abandoned === 1);
    expect(bench.unexpected.splice(0)).toEqual([new Error('a mistake of the handler')]);
  });

  it('a client that leaves: a handler that hands its signal on bothers no error handler', async () => {
    const { ended } = bench.stats('one');
    act = async (req) => {
      await delay(60_000, undefined, { signal: req.sluice.signal });
    };
    const client = await RawClient.sends(bench.port, 'GET', '/one');
    await until(() => bench.stats('one').inFlight === 1);
    client.leave();
    await until(() => bench.stats('one').ended === ended + 1);
  });

  describe('stream: true', () => {
    /** Somebody else has the one seat, until told to leave. */
    const takesTheSeat = async () => {
      const busy = latch();
      act = async (_req, res) => {
        await busy.promise;
        res.json({});
      };
      const status = bench.request.get('/one').then((answer) => answer.status);
      await until(() => seats()?.inFlight === 1);
      return {
        leaves: async () => {
          busy.open();
          expect(await status).toBe(200);
        },
      };
    };

    const endless = (text: string) => async (req: Request, res: Response) => {
      res.type('text/plain').write(text);
      await req.sluice.query('SELECT pg_sleep(0.6)');
      await req.sluice.query('SELECT pg_sleep(0.1)');
      res.end(' and done');
    };

    it('ends the deadline at the first byte, for the statements that follow as well', async () => {
      act = endless('begun');
      const answer = await bench.request.get('/streamed');
      expect([answer.status, answer.text]).toEqual([200, 'begun and done']);
    });

    it('tells the handler so', async () => {
      let left: number[] = [];
      act = (req, res) => {
        left = [req.sluice.timeLeftMs()];
        res.write('begun');
        left.push(req.sluice.timeLeftMs());
        res.end();
      };
      await bench.request.get('/streamed').expect(200);
      expect(left[0]).toBeLessThanOrEqual(400);
      expect(left[1]).toBe(Number.POSITIVE_INFINITY);
    });

    it('does not help a handler that never begins', async () => {
      act = () => undefined;
      await bench.request.get('/silent').expect(504);
    });

    it('gives the seat to somebody else after the deadline, while the database has nothing to do for it', async () => {
      const read = latch();
      const end = latch();
      act = async (req, res) => {
        await req.sluice.query('SELECT 1');
        res.write('begun');
        await read.promise;
        // Both ask for one seat, and neither before there is one.
        const [{ rows }] = await Promise.all([req.sluice.query('SELECT 2 AS two'), req.sluice.query('SELECT 3')]);
        await end.promise;
        res.end(JSON.stringify(rows));
      };
      const client = await RawClient.sends(bench.port, 'GET', '/streamed');
      await until(() => client.received.includes('begun'));
      expect(seats()?.inFlight).toBe(1);
      await until(() => seats()?.inFlight === 0);
      const streams = act;
      const other = await takesTheSeat();
      read.open();
      await until(() => seats()?.queued === 1);
      await other.leaves();
      // It has what it asked for, and rests again.
      await until(() => seats()?.queued === 0 && seats()?.inFlight === 0);
      end.open();
      await until(() => client.received.includes('{"two":2}'));
      act = streams;
      await until(() => bench.stats('streamed').inFlight === 0);
      expect(bench.stats('streamed').outcomes.expired).toBe(0);
      client.leave();
    });

    it('ends where its client leaves while it waits for a seat again', async () => {
      const read = latch();
      const told: Latch<unknown> = latch<unknown>();
      act = async (req, res) => {
        res.write('begun');
        await read.promise;
        await req.sluice.query('SELECT 1').catch(told.open);
      };
      const client = await RawClient.sends(bench.port, 'GET', '/streamed');
      await until(() => client.received.includes('begun') && seats()?.inFlight === 0);
      const other = await takesTheSeat();
      read.open();
      await until(() => seats()?.queued === 1);
      client.leave();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
      expect(seats()?.queued).toBe(0);
      await other.leaves();
    });

    it('without it an answer that has begun is cut off at the deadline', async () => {
      act = (req, res) => endless('begun')(req, res).catch(() => undefined);
      await expect(bench.request.get('/impatient')).rejects.toThrow(/aborted|socket hang up/);
      await until(() => bench.stats('impatient').outcomes.expired === 1);
    });

    it('ends with its client', async () => {
      const told: Latch<unknown> = latch<unknown>();
      act = async (req, res) => {
        res.write('begun');
        await req.sluice.query('SELECT pg_sleep(20)').catch(told.open);
      };
      const client = await RawClient.sends(bench.port, 'GET', '/streamed');
      await until(() => client.received.includes('begun'));
      client.leave();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
    });
  });

  describe('outside()', () => {
    it('gives the seat up for its time, and comes back before the others of its class', async () => {
      const order: string[] = [];
      const errand = latch();
      const stay = latch();
      const acts = [
        async (req: Request, res: Response) => {
          await req.sluice.outside(() => errand.promise);
          order.push('first is back');
          await req.sluice.query('SELECT 1');
          res.json({});
        },
        async (_req: Request, res: Response) => {
          order.push('second');
          await stay.promise;
          res.json({});
        },
        async (_req: Request, res: Response) => {
          order.push('third');
          res.json({});
        },
      ];
      act = (req, res) => acts.shift()?.(req, res);
      const answers = [1, 2, 3].map(() => bench.request.get('/one').then(({ status }) => status));
      await until(() => order.includes('second') && seats()?.queued === 1);
      expect(seats()?.inFlight).toBe(1);
      errand.open();
      await until(() => seats()?.queued === 2);
      stay.open();
      expect(await Promise.all(answers)).toEqual([200, 200, 200]);
      expect(order).toEqual(['second', 'first is back', 'third']);
    });

    it('needs every connection to be back', async () => {
      act = async (req, res) => {
        const client = await req.sluice.connect();
        const error = await req.sluice.outside(async () => 1).catch((reason: Error) => reason.message);
        client.release();
        res.json({ error });
      };
      expect((await bench.request.get('/one')).body.error).toMatch(/given back first/);
    });

    it('refuses a second one inside the first', async () => {
      act = async (req, res) => {
        const error = await req.sluice
          .outside(() => req.sluice.outside(async () => 1))
          .catch((reason: Error) => reason.message);
        res.json({ error });
      };
      expect((await bench.request.get('/one')).body.error).toMatch(/holds its seat/);
    });

    it('passes on what the work throws, and has its seat again', async () => {
      act = async (req, res) => {
        const error = await req.sluice
          .outside(async () => {
            throw new Error('elsewhere');
          })
          .catch((reason: Error) => reason.message);
        res.json({ error, rows: (await req.sluice.query('SELECT 1 AS one')).rows });
      };
      expect((await bench.request.get('/one')).body).toEqual({ error: 'elsewhere', rows: [{ one: 1 }] });
    });

    it('ends with the client', async () => {
      const away = latch();
      const errand = latch();
      const told: Latch<unknown> = latch<unknown>();
      act = async (req) => {
        await req.sluice.outside(async () => {
          away.open();
          await errand.promise;
        });
        await req.sluice.query('SELECT 1').catch(told.open);
      };
      const client = await RawClient.sends(bench.port, 'GET', '/one');
      await away.promise;
      client.leave();
      await until(() => bench.stats('one').inFlight === 0);
      errand.open();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
    });

    it('ends with the client also while it waits to come back', async () => {
      const errand = latch();
      const stay = latch();
      const done = latch();
      const acts = [
        async (req: Request) => {
          await req.sluice.outside(() => errand.promise);
          done.open();
        },
        async (_req: Request, res: Response) => {
          errand.open();
          await stay.promise;
          res.json({});
        },
      ];
      act = (req, res) => acts.shift()?.(req, res);
      const client = await RawClient.sends(bench.port, 'GET', '/one');
      await until(() => acts.length === 1);
      const second = bench.request.get('/one').then(({ status }) => status);
      await until(() => seats()?.queued === 1);
      client.leave();
      await done.promise;
      expect(seats()?.queued).toBe(0);
      stay.open();
      expect(await second).toBe(200);
    });
  });

  describe('work inside work', () => {
    it('on the same pool is refused at once: it could wait for itself', async () => {
      act = async (req, res) => {
        const error = await req.sluice.run('urgent', async () => 1).catch((reason: Error) => reason.message);
        res.json({ error });
      };
      const { body } = await bench.request.get('/one');
      expect(body.error).toMatch(/route "urgent" was run inside a request that holds a seat of the same pool "main"/);
    });

    it('on another pool runs, within the time left', async () => {
      act = async (req, res) => {
        const inner = await req.sluice.run('elsewhere', async (handle) => ({
          rows: (await handle.query('SELECT 2 AS two')).rows,
          leftMs: handle.timeLeftMs(),
        }));
        res.json({ inner, outerLeftMs: req.sluice.timeLeftMs() });
      };
      const { body } = await bench.request.get('/one').set('X-Request-Timeout-Ms', '1500');
      expect(body.inner.rows).toEqual([{ two: 2 }]);
      expect(body.inner.leftMs).toBeLessThanOrEqual(1_500);
      expect(body.inner.leftMs).toBeGreaterThan(500);
    });

    it('ends with the request around it', async () => {
      const told: Latch<unknown> = latch<unknown>();
      act = (req) => req.sluice.run('elsewhere', (handle) => handle.query('SELECT pg_sleep(20)')).catch(told.open);
      const client = await RawClient.sends(bench.port, 'GET', '/one');
      await until(async () => (await bench.running()).length === 1);
      client.leave();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
      await until(async () => (await bench.running()).length === 0);
    });

    it('on no pool is not in its way', async () => {
      act = async (req, res) => res.json({ inner: await req.sluice.run('free', async (handle) => handle.route) });
      expect((await bench.request.get('/one')).body).toEqual({ inner: 'free' });
    });

    it('names the routes when there is no such route', async () => {
      act = async (req, res) => {
        const error = await Promise.resolve()
          .then(() => req.sluice.run('nowhere', async () => 1))
          .catch((reason: Error) => `${reason.name}: ${reason.message}`);
        res.json({ error });
      };
      expect((await bench.request.get('/one')).body.error).toMatch(/RangeError: no route "nowhere".*"elsewhere"/);
    });
  });

  describe('the ways of HTTP', () => {
    it('HEAD follows GET, through the same guard', async () => {
      const { admitted } = bench.stats('one');
      act = (_req, res) => res.json({});
      const answer = await bench.request.head('/one');
      expect([answer.status, answer.text]).toEqual([200, undefined]);
      expect(bench.stats('one').admitted).toBe(admitted + 1);
    });

    it('OPTIONS passes, unguarded', async () => {
      const { arrived } = bench.stats('one');
      const answer = await bench.request.options('/one');
      expect(answer.status).toBe(200);
      expect(answer.headers.allow).toContain('GET');
      expect(bench.stats('one').arrived).toBe(arrived);
    });

    it('routers that are mounted work', async () => {
      const answer = await bench.request.get('/mounted/things/7');
      expect(answer.body).toEqual({ id: '7', base: '/mounted', route: 'one' });
    });

    it('a table of routes guards what it names, and lets the rest pass', async () => {
      const { arrived } = bench.stats('one');
      expect((await bench.request.get('/table/orders/5')).body).toEqual({ id: '5', route: 'one' });
      expect((await bench.request.get('/table/orders/5/')).body).toEqual({ id: '5', route: 'one' });
      expect((await bench.request.get('/table/ORDERS/6')).body).toEqual({ id: '6', route: 'one' });
      expect((await bench.request.head('/table/orders/5')).status).toBe(200);
      expect((await bench.request.put('/table/any')).body).toEqual({ method: 'PUT', route: 'free' });
      expect((await bench.request.get('/table/open')).body).toEqual({ guarded: false });
      expect(bench.stats('one').arrived).toBe(arrived + 4);
    });

    it('a route without a pool says so when it is asked for the database', async () => {
      act = async (req, res) => {
        const error = await Promise.resolve()
          .then(() => req.sluice.query('SELECT 1'))
          .catch((reason: Error) => reason.message);
        res.json({ error });
      };
      expect((await bench.request.get('/free')).body.error).toMatch(/route "free" has no pool/);
    });

    it('two requests on one connection, one after the other, each get their own answer', async () => {
      let count = 0;
      act = (_req, res) => res.json({ count: ++count });
      const client = await RawClient.to(bench.port);
      client.write(
        'GET /one HTTP/1.1',
        'Host: test',
        '',
        'GET /one HTTP/1.1',
        'Host: test',
        'Connection: close',
        '',
        '',
      );
      await once(client.socket, 'end');
      expect(client.received.match(/"count":\d/g)).toEqual(['"count":1', '"count":2']);
    });
  });
});
