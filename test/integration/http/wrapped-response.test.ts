import { once } from 'node:events';
import { createGzip, type Gzip } from 'node:zlib';
import type { Request, RequestHandler, Response } from 'express';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

/** Replaces `write` and `end` of the response, as every compressing middleware does, and honours a slow reader. */
const compress: RequestHandler = (_req, res, next) => {
  const { write, end } = res;
  let gzip: Gzip | undefined;
  const begin = (): Gzip => {
    if (gzip !== undefined) return gzip;
    const stream = createGzip({ level: 0 });
    gzip = stream;
    res.setHeader('Content-Encoding', 'gzip').removeHeader('Content-Length');
    stream.on('data', (chunk: Buffer) => {
      if (!write.call(res, chunk, 'binary')) stream.pause();
    });
    stream.on('end', () => end.call(res, undefined, 'binary'));
    res.on('drain', () => stream.resume());
    return stream;
  };
  res.write = (chunk: Buffer) => (res.headersSent ? write.call(res, chunk, 'utf8') : begin().write(chunk));
  res.end = (chunk?: unknown) => {
    if (res.headersSent && gzip === undefined) return end.call(res, chunk, 'utf8');
    begin().end(chunk);
    return res;
  };
  next();
};

/** Ends the answer only when something else is done, as a session that is saved first. */
const saveFirst =
  (saved: () => Promise<void>): RequestHandler =>
  (_req, res, next) => {
    const { end } = res;
    res.end = (...args: unknown[]) => {
      void saved().then(() => Reflect.apply(end, res, args));
      return res;
    };
    next();
  };

describe.each(FRAMEWORKS)('a response that others have wrapped, on %s', (_name, express) => {
  let bench: Bench;
  let act: (req: Request, res: Response) => unknown;
  let saved = latch();

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        routes: {
          one: { concurrency: 1, deadlineMs: 10_000 },
          brief: { concurrency: 1, deadlineMs: 1_000 },
          brief2: { concurrency: 1, deadlineMs: 1_000 },
        },
      },
      (app, gateway) => {
        const run = (req: Request, res: Response): unknown => act(req, res);
        app.get('/before', compress, protect(gateway, 'one', {}, run));
        app.get('/after', protect(gateway, 'one'), compress, run);
        app.get('/brief', compress, protect(gateway, 'brief', {}, run));
        app.get(
          '/session',
          saveFirst(() => saved.promise),
          protect(gateway, 'one', {}, run),
        );
        app.get(
          '/session-brief',
          saveFirst(() => saved.promise),
          protect(gateway, 'brief2', {}, run),
        );
        const inner = express();
        inner.get('/thing', protect(gateway, 'one', {}, run));
        inner.get('/through', protect(gateway, 'one'), (_req, _res, next) => next());
        app.use('/inner', inner);
        app.get('/inner/through', protect(gateway, 'one', {}, run));
        app.get('/replaced', protect(gateway, 'one'), (req, res) => {
          res.locals = {};
          act(req, res);
        });
      },
    );
  });
  afterEach(async () => {
    await bench.atRest();
    expect(bench.unexpected).toEqual([]);
  });
  afterAll(() => bench.close());

  it.each(['/before', '/after'])('by compression (%s): the answer is whole, and the seat ends', async (path) => {
    act = (_req, res) => res.json({ text: 'x'.repeat(10_000) });
    const answer = await bench.request.get(path);
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(answer.body).toEqual({ text: 'x'.repeat(10_000) });
  });

  it('by compression in front of the guard: a slow reader holds no seat', async () => {
    const { ended } = bench.stats('one');
    act = (_req, res) => res.end(Buffer.alloc(64 * 1_024 * 1_024, 'x'));
    const slow = await RawClient.sends(bench.port, 'GET', '/before');
    slow.socket.pause();
    await until(() => bench.stats('one').ended === ended + 1, 2_000);
    slow.leave();
  });

  it('by compression: a deadline answers, and late writes are swallowed', async () => {
    const late = latch();
    act = async (req, res) => {
      await aborted(req.sluice.signal);
      res.json({ late: true });
      res.end('late');
      late.open();
    };
    const answer = await bench.request.get('/brief');
    await late.promise;
    expect([answer.status, answer.body.code]).toEqual([504, 'deadline_expired']);
    expect(bench.stats('brief').lateWrites).toBeGreaterThan(0);
  });

  it('by a session that is saved first: the answer goes out when it is', async () => {
    const { ended } = bench.stats('one');
    saved = latch();
    act = (_req, res) => res.json({ of: 'session' });
    const answer = bench.request.get('/session').then(({ body }) => body);
    await until(() => bench.stats('one').ended === ended + 1);
    saved.open();
    expect(await answer).toEqual({ of: 'session' });
  });

  it('by a session that is saved first: the answer at the deadline goes out when it is', async () => {
    saved = latch();
    const expired = latch();
    act = async (req, res) => {
      await aborted(req.sluice.signal);
      res.json({ late: true });
      expired.open();
    };
    const answer = bench.request.get('/session-brief').then(({ body }) => body.code);
    await expired.promise;
    saved.open();
    expect(await answer).toBe('deadline_expired');
  });

  it('by an application inside the application', async () => {
    const { admitted } = bench.stats('one');
    act = (req, res) => res.json({ route: req.sluice.route });
    expect((await bench.request.get('/inner/thing')).body).toEqual({ route: 'one' });
    expect((await bench.request.get('/inner/through')).body).toEqual({ route: 'one' });
    expect(bench.stats('one').admitted).toBe(admitted + 2);
  });

  it('by a handler that replaces its locals: the seat ends all the same', async () => {
    act = (_req, res) => res.json({});
    await bench.request.get('/replaced').expect(200);
    await until(() => bench.stats('one').inFlight === 0);
  });
});

/** On a busy machine it may be over before anybody listens for it. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
