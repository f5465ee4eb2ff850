import { once } from 'node:events';
import type { Request, Response } from 'express';
import type { RequestHandle } from 'sluice';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, type Latch, latch, serve } from './harness.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

/** What the next request does, whatever its path. */
type Act = (req: Request, res: Response) => unknown;

/** Routes with a short deadline. Once one has expired a route knows that it is slow, so each test takes a new one. */
const HASTY: readonly string[] = Array.from({ length: 25 }, (_, index) => `hasty${index}`);

describe.each(FRAMEWORKS)('handlers that misbehave, on %s', (name, express) => {
  let bench: Bench;
  let act: Act;
  let handle: RequestHandle | undefined;
  let hastyUsed = 0;
  const nextHasty = (): string => HASTY[hastyUsed++] ?? 'there are too few of them';

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        url: postgres.url,
        pools: { main: { max: 2 } },
        routes: {
          form: { pool: 'main', deadlineMs: 10_000 },
          plain: { pool: 'main', deadlineMs: 10_000 },
          ...Object.fromEntries(HASTY.map((route) => [route, { pool: 'main', deadlineMs: 150 }])),
        },
      },
      (app, gateway) => {
        const run: Act = (req, res) => {
          handle = req.sluice;
          return act(req, res);
        };
        app.get('/form', protect(gateway, 'form', {}, run));
        for (const route of HASTY) app.get(`/${route}`, protect(gateway, route, {}, run));
        app.get('/plain', protect(gateway, 'plain'), run);
        const json = { body: express.json() };
        app.post('/second', protect(gateway, 'form', json), protect(gateway, 'plain'), (req, res, next) => {
          Promise.resolve(run(req, res)).catch(next);
        });
        app.post('/second-with-handler', protect(gateway, 'form'), protect(gateway, 'plain', json, run));
      },
    );
    act = (_req, res) => res.json({});
    await bench.request.get('/form').expect(200);
  });
  afterEach(async () => {
    await bench.atRest();
    bench.unexpected.length = 0;
  });
  afterAll(() => bench.close());

  /** Runs one request and shows that it cost one lease, given back. */
  const costsOneLease = async (path: '/form' | '/plain', what: Act): Promise<{ status: number; body: unknown }> => {
    const stats = bench.stats(path.slice(1));
    const before = { admitted: stats.admitted, ended: stats.ended };
    act = what;
    const answer = await bench.request.get(path);
    await until(() => stats.inFlight === 0);
    expect({ admitted: stats.admitted, ended: stats.ended }).toEqual({
      admitted: before.admitted + 1,
      ended: before.ended + 1,
    });
    return { status: answer.status, body: answer.body };
  };

  it.each(['/form', '/plain'] as const)('throws at once (%s)', async (path) => {
    const answer = await costsOneLease(path, () => {
      throw new Error('thrown at once');
    });
    expect(answer.status).toBe(500);
    expect(bench.unexpected).toEqual([new Error('thrown at once')]);
  });

  // Express 4 does not hear of rejections; the handler form of the guard is for that.
  it.each(name === 'Express 4' ? (['/form'] as const) : (['/form', '/plain'] as const))(
    'rejects (%s)',
    async (path) => {
      const answer = await costsOneLease(path, async (req) => {
        await req.sluice.query('SELECT 1');
        throw new Error('rejected');
      });
      expect(answer.status).toBe(500);
      expect(bench.unexpected).toEqual([new Error('rejected')]);
    },
  );

  it('throws after the answer has begun: the answer is cut off', async () => {
    act = (_req, res) => {
      res.write('half an ');
      throw new Error('too late for an error answer');
    };
    await expect(bench.request.get('/form')).rejects.toThrow(/aborted|socket hang up/);
    await until(() => bench.stats('form').inFlight === 0);
  });

  it('never answers: 504 as problem+json at the deadline', async () => {
    const hasty = nextHasty();
    act = () => undefined;
    const startedMs = performance.now();
    const answer = await bench.request.get(`/${hasty}`);
    const tookMs = performance.now() - startedMs;
    expect(answer.status).toBe(504);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ code: 'deadline_expired', outcome: 'not_started', status: 504 });
    expect(tookMs).toBeGreaterThanOrEqual(145);
    expect(tookMs).toBeLessThan(450);
    expect(bench.stats(hasty).outcomes).toMatchObject({ expired: 1, succeeded: 0, failed: 0 });
    expect(bench.stats(hasty).errorsByCode.deadline_expired).toBe(1);
    expect(handle?.signal.aborted).toBe(true);
  });

  it('answers twice: the first answer stands', async () => {
    const answer = await costsOneLease('/form', (_req, res) => {
      res.status(201).json({ first: true });
      res.status(200).json({ second: true });
    });
    expect(answer).toEqual({ status: 201, body: { first: true } });
  });

  it('ends the response twice: the second answer is swallowed and counted', async () => {
    const { lateWrites } = bench.stats('form');
    const answer = await costsOneLease('/form', (_req, res) => {
      res.end('first');
      res.end('second');
      res.end();
    });
    expect(answer.status).toBe(200);
    expect(bench.stats('form').lateWrites).toBe(lateWrites + 1);
  });

  it.each<[string, Act]>([
    ['json', (_req, res) => res.status(201).set('X-Late', 'yes').json({ late: true })],
    ['send', (_req, res) => res.send('late')],
    ['end', (_req, res) => res.end('late')],
    ['redirect', (_req, res) => res.redirect('/elsewhere')],
    ['write and end', (_req, res) => res.write('late') && res.end()],
    ['writeHead and end', (_req, res) => res.writeHead(200, { 'X-Late': 'yes' }).end('late')],
    ['sendStatus', (_req, res) => res.sendStatus(204)],
  ])('answers late, by %s: swallowed and counted', async (_how, answerLate) => {
    const hasty = nextHasty();
    const late = latch();
    act = async (req, res) => {
      const { signal } = req.sluice;
      await once(signal, 'abort');
      answerLate(req, res);
      late.open();
    };
    const answer = await bench.request.get(`/${hasty}`);
    await late.promise;
    expect(answer.status).toBe(504);
    expect(answer.headers['x-late']).toBeUndefined();
    expect(bench.stats(hasty).lateWrites).toBeGreaterThan(0);
    expect(bench.unexpected).toEqual([]);
    // The connection that the late answer would have gone to is whole.
    act = (_req, res) => res.json({ next: true });
    expect((await bench.request.get('/form')).body).toEqual({ next: true });
  });

  it('throws late: swallowed and counted, and no error handler is bothered', async () => {
    const hasty = nextHasty();
    act = async (req) => {
      await once(req.sluice.signal, 'abort');
      throw new Error('thrown late');
    };
    expect((await bench.request.get(`/${hasty}`)).status).toBe(504);
    await until(() => bench.stats(hasty).lateWrites === 1);
    expect(bench.unexpected).toEqual([]);
  });

  it.each([
    ['a rejection', async () => Promise.reject(new Error('a bug'))],
    [
      'a throw',
      async () =>
        Promise.resolve()
          .then(() => ({}) as { f(): void })
          .then((none) => none.f()),
    ],
  ])('fails after its own answer, by %s: logged as an error', async (_how, failLate) => {
    // Told once a minute for each route, so each takes a new one.
    const route = nextHasty();
    const before = bench.log.of('failed_after_answer').length;
    act = async (_req, res) => {
      res.status(202).json({});
      await once(res, 'close');
      await failLate();
    };
    expect((await bench.request.get(`/${route}`)).status).toBe(202);
    await until(() => bench.log.of('failed_after_answer').length === before + 1);
    expect(bench.log.of('failed_after_answer').at(-1)).toMatch(new RegExp(`^route "${route}": .*(a bug|none\\.f)`));
    expect(bench.log.entries.findLast(({ code }) => code === 'failed_after_answer')?.level).toBe('error');
  });

  it('is stopped at its deadline, and says so in whatever way: no news', async () => {
    const ways: ((reason: unknown) => unknown)[] = [
      (reason) => reason,
      (reason) => new Error('cannot save', { cause: reason }),
      () => new DOMException('aborted', 'AbortError'),
    ];
    const before = bench.log.of('failed_after_answer').length;
    for (const way of ways) {
      const hasty = nextHasty();
      act = async (req) => {
        await once(req.sluice.signal, 'abort');
        throw way(req.sluice.signal.reason);
      };
      expect((await bench.request.get(`/${hasty}`)).status).toBe(504);
      await until(() => bench.stats(hasty).lateWrites === 1);
    }
    expect(bench.log.of('failed_after_answer').slice(before)).toEqual([]);
  });

  it('pipes a stream that outlives the deadline: the source is not held up', async () => {
    const hasty = nextHasty();
    let finished = false;
    act = async (req, res) => {
      await once(req.sluice.signal, 'abort');
      for (let part = 0; part < 100; part++) {
        if (!res.write('x'.repeat(10_000))) await once(res, 'drain');
      }
      finished = true;
    };
    expect((await bench.request.get(`/${hasty}`)).status).toBe(504);
    await until(() => finished);
  });

  describe('with the database', () => {
    it.each(['/form', '/plain'] as const)('leaves a transaction open (%s): it is taken back', async (path) => {
      const answer = await costsOneLease(path, async (req, res) => {
        const client = await req.sluice.connect();
        await client.query('BEGIN');
        await client.query('CREATE TABLE left_open (id int)');
        res.json({ answered: true });
      });
      expect(answer).toEqual({ status: 200, body: { answered: true } });
      expect(bench.log.of('connection_not_returned').at(-1)).toMatch(`route "${path.slice(1)}"`);
      expect(bench.stats(path.slice(1)).keptConnections).toBeGreaterThan(0);
      act = async (req, res) => {
        const { rows } = await req.sluice.query("SELECT to_regclass('left_open') AS found");
        res.json(rows[0]);
      };
      expect((await bench.request.get('/form')).body).toEqual({ found: null });
    });

    it('asks for it after its answer: warned of, because nothing of it is done', async () => {
      const before = bench.log.of('work_after_answer').length;
      act = async (req, res) => {
        res.status(202).json({});
        await once(res, 'close');
        await bench.atRest();
        await req.sluice.query('CREATE TABLE after_answer (id int)');
      };
      expect((await bench.request.get('/form')).status).toBe(202);
      await until(() => bench.log.of('work_after_answer').length === before + 1);
      expect(bench.log.of('work_after_answer').at(-1)).toMatch(/^route "form"/);
    });

    it('whose transaction is stopped at the deadline: it gives back itself, and is not blamed', async () => {
      act = async (req) => {
        await req.sluice.transaction((client) => client.query('SELECT pg_sleep(5)'));
      };
      const before = bench.log.of('connection_not_returned').length;
      for (let n = 0; n < 5; n++) expect((await bench.request.get(`/${nextHasty()}`)).status).toBe(504);
      await bench.atRest();
      expect(bench.log.of('connection_not_returned').slice(before)).toEqual([]);
    });

    it('leaves a transaction open and never answers: rolled back at the deadline', async () => {
      const hasty = nextHasty();
      act = async (req) => {
        const client = await req.sluice.connect();
        await client.query('BEGIN');
        await client.query('CREATE TABLE left_open_too (id int)');
      };
      const answer = await bench.request.get(`/${hasty}`);
      expect(answer.body).toMatchObject({ code: 'deadline_expired', outcome: 'rolled_back' });
      await bench.atRest();
      act = async (req, res) => {
        const { rows } = await req.sluice.query("SELECT to_regclass('left_open_too') AS found");
        res.json(rows[0]);
      };
      expect((await bench.request.get('/form')).body).toEqual({ found: null });
    });

    it('answers while its statement runs: the seat waits for the connection', async () => {
      const done: Latch<unknown> = latch<unknown>();
      act = (req, res) => {
        req.sluice.query('SELECT pg_sleep(0.2)').then(done.open, done.open);
        res.json({ answered: true });
      };
      await bench.request.get('/form').expect(200);
      expect(bench.stats('form').inFlight).toBe(1);
      expect(await done.promise).toMatchObject({ command: 'SELECT' });
      await until(() => bench.stats('form').inFlight === 0);
    });

    it('queries after its answer, without a seat: refused', async () => {
      const done: Latch<unknown> = latch<unknown>();
      act = (req, res) => {
        res.json({});
        setImmediate(() => req.sluice.query('SELECT 1').then(done.open, done.open));
      };
      await bench.request.get('/form').expect(200);
      expect(await done.promise).toMatchObject({ name: 'AnsweredError' });
    });

    it('uses a connection after its release: refused', async () => {
      const answer = await costsOneLease('/form', async (req, res) => {
        const client = await req.sluice.connect();
        client.release();
        client.release();
        const error = await client.query('SELECT 1').catch((reason: Error) => reason.message);
        res.json({ error });
      });
      expect(answer.body).toEqual({ error: expect.stringMatching(/after it was given back/) });
    });

    it('keeps the handle: it is dead for later', async () => {
      act = (_req, res) => res.json({});
      await bench.request.get('/form').expect(200);
      await expect(handle?.query('SELECT 1')).rejects.toThrow(/has been answered/);
      await expect(handle?.connect()).rejects.toThrow(/has been answered/);
      await expect(handle?.transaction(async () => 1)).rejects.toThrow(/has been answered/);
    });
  });

  it.each(['/second', '/second-with-handler'])(
    'a second guard on one request guards nothing (%s), and says so once',
    async (path) => {
      const { arrived } = bench.stats('plain');
      bench.log.entries.length = 0;
      act = (req, res) => res.json({ route: req.sluice.route, body: req.body });
      for (let times = 0; times < 3; times++) {
        const answer = await bench.request.post(path).send({ sent: true });
        expect(answer.body).toEqual({ route: 'form', body: { sent: true } });
      }
      expect(bench.stats('plain').arrived).toBe(arrived);
      expect(bench.log.of('second_guard')).toHaveLength(1);
    },
  );

  it('a second guard passes the errors of its handler on', async () => {
    act = async () => {
      throw new Error('behind two guards');
    };
    await bench.request.post('/second-with-handler').expect(500);
    expect(bench.unexpected).toEqual([new Error('behind two guards')]);
  });
});
