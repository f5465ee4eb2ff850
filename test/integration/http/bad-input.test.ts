import { request as httpRequest } from 'node:http';
import type { RequestHandler } from 'express';
import fc from 'fast-check';
import type { RequestHandle } from 'sluice';
import { protect } from 'sluice/express';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, type Latch, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('input that nobody asked for, on %s', (_name, express) => {
  let bench: Bench;
  let seen: RequestHandle | undefined;
  let gate: Latch;
  let started = 0;
  let timeOut: () => void;

  beforeAll(async () => {
    bench = await serve(
      {
        express,
        routes: {
          plain: { deadlineMs: 5_000 },
          body: { concurrency: 1, ratePerSecond: 1, burst: 100, deadlineMs: 5_000 },
          gated: { concurrency: 1, ratePerSecond: 1, burst: 10 },
          narrow: { concurrency: 1, ratePerSecond: 1, burst: 1_000, deadlineMs: 30_000 },
          // Nothing is known of the time that its work takes, so nobody is refused for that.
          waiting: { concurrency: 1, ratePerSecond: 1, burst: 1_000, deadlineMs: 600_000 },
        },
        gateway: { budgetHeaders: ['x-request-timeout-ms', 'grpc-timeout'] },
      },
      (app, gateway) => {
        app.get('/plain', protect(gateway, 'plain'), (req, res) => {
          seen = req.sluice;
          res.json({});
        });
        app.post('/body', protect(gateway, 'body', { body: express.json({ limit: '1kb' }) }), (req, res) => {
          res.json(req.body);
        });
        const parser: RequestHandler = (_req, res) => res.status(401).json({ by: 'parser' });
        app.post('/gated', protect(gateway, 'gated', { body: parser }), (_req, res) => res.json({}));
        app.get('/impatient', (_req, res, next) => {
          timeOut = () => res.status(408).json({ by: 'timeout' });
          next();
        });
        app.get('/impatient', protect(gateway, 'narrow'), (_req, res) => {
          started += 1;
          res.json({});
        });
        const failing = new Error('a mistake of the parser');
        const rejects: RequestHandler = async () => Promise.reject(failing);
        const throws: RequestHandler = () => {
          throw failing;
        };
        app.post('/parser-rejects', protect(gateway, 'gated', { body: rejects }), (_req, res) => res.json({}));
        app.post('/parser-throws', protect(gateway, 'gated', { body: throws }), (_req, res) => res.json({}));
        // A request of superagent is a promise of its own kind, which is no Promise; nobody listens there.
        const elsewhere = supertest('http://127.0.0.1:1');
        app.get(
          '/thenable',
          protect(gateway, 'plain', {}, () => elsewhere.get('/')),
        );
        app.get('/impatient-writes', (_req, res, next) => {
          next();
          res.write('patience, please');
        });
        app.get('/impatient-writes', protect(gateway, 'narrow'), (_req, res) => res.end(' done'));
        for (const route of ['narrow', 'waiting']) {
          app.get(`/${route}`, protect(gateway, route), (_req, res) => {
            started += 1;
            void gate.promise.then(() => res.json({}));
          });
        }
      },
    );
    // The first answer takes longer than all others, and would become the estimate of them all.
    await bench.request.get('/plain');
  });
  afterEach(async () => {
    await bench.atRest();
    expect(bench.unexpected).toEqual([]);
  });
  afterAll(() => bench.close());

  describe('budget headers', () => {
    const ask = async (headers: Record<string, string | string[]>): Promise<number> => {
      seen = undefined;
      const answer = await new Promise<number>((resolve, reject) => {
        const sent = httpRequest({ port: bench.port, host: '127.0.0.1', path: '/plain', headers }, (res) => {
          res.resume().on('end', () => resolve(res.statusCode ?? 0));
        });
        sent.on('error', reject).end();
      });
      return answer;
    };
    const given = (): number => (seen === undefined ? Number.NaN : seen.deadlineAtMs - performance.now());

    it('a valid one shortens the deadline', async () => {
      expect(await ask({ 'X-Request-Timeout-Ms': '2000' })).toBe(200);
      expect(given()).toBeLessThanOrEqual(2_000);
      expect(given()).toBeGreaterThan(1_000);
    });

    it('the form of grpc-timeout is understood, and of several headers the shortest counts', async () => {
      expect(await ask({ 'grpc-timeout': '3S', 'x-request-timeout-ms': '4000' })).toBe(200);
      expect(given()).toBeLessThanOrEqual(3_000);
      expect(given()).toBeGreaterThan(2_000);
    });

    it.each(['3600000', '9999999999', '99999999H'])('%s never lengthens it', async (budget) => {
      expect(await ask({ 'x-request-timeout-ms': budget })).toBe(200);
      expect(given()).toBeLessThanOrEqual(5_000);
      expect(given()).toBeGreaterThan(4_000);
    });

    it('one that was sent twice is no budget', async () => {
      const before = bench.stats('plain').budgetsIgnored;
      expect(await ask({ 'x-request-timeout-ms': ['1', '2'] })).toBe(200);
      expect(bench.stats('plain').budgetsIgnored).toBe(before + 1);
    });

    it('whatever a header holds: no 500, no longer deadline, and ignored ones are counted', async () => {
      const headerText = fc
        .array(
          fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
          { maxLength: 40 },
        )
        .map((codes) => String.fromCharCode(...codes));
      const nearlyRight = fc
        .tuple(
          fc.constantFrom('', '-', '+', ' ', '0x', '1e'),
          fc.bigInt({ min: 0n, max: 10n ** 30n }),
          fc.constantFrom('', 'm', 'S', 'H', 'u', 'n', 's', 'ms', '.5', ',1', 'e9', ';'),
        )
        .map((parts) => parts.join(''));
      const named = fc.constantFrom(
        'NaN',
        'Infinity',
        '-Infinity',
        '__proto__',
        'null',
        '[object Object]',
        '٣',
        '１００',
      );
      await fc.assert(
        fc.asyncProperty(fc.oneof(headerText, nearlyRight, named), async (value) => {
          const stats = bench.stats('plain');
          const before = { ignored: stats.budgetsIgnored, shed: stats.shed, arrived: stats.arrived };
          const encoded = Buffer.from(value, 'utf8').toString('latin1');
          const status = await ask({ 'x-request-timeout-ms': encoded });
          expect([200, 503, 504]).toContain(status);
          expect(stats.arrived).toBe(before.arrived + 1);
          const trimmed = encoded.replace(/^[\t ]+|[\t ]+$/g, '');
          const readable = /^(?:\d{1,10}|\d{1,8}[HMSmun])$/.test(trimmed) && /[1-9]/.test(trimmed);
          expect(stats.budgetsIgnored - before.ignored, `"${trimmed}" ignored`).toBe(readable ? 0 : 1);
          if (!readable) expect(status).toBe(200);
          if (status === 200) expect(given()).toBeLessThanOrEqual(5_000);
        }),
        { numRuns: 200 },
      );
    });
  });

  describe('bodies', () => {
    const charged = (): number =>
      100 - (bench.gateway.entry('body').runtime.rate?.endpointLevel(performance.now())?.remaining ?? 0);

    it('a body larger than allowed gets 413 and costs no token', async () => {
      const before = charged();
      const answer = await bench.request.post('/body').send({ text: 'x'.repeat(2_000) });
      expect(answer.status).toBe(413);
      expect(answer.type).toBe('application/problem+json');
      expect(charged()).toBeLessThanOrEqual(before);
    });

    it.each(['{"sku":', '[1,', 'nonsense', '"\\u00'])('malformed JSON (%s) gets 400', async (text) => {
      const answer = await bench.request.post('/body').set('Content-Type', 'application/json').send(text);
      expect(answer.status).toBe(400);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.text).not.toContain(text);
    });

    it('an unknown encoding gets 415', async () => {
      const answer = await bench.request.post('/body').set('Content-Encoding', 'nonsense').send({ a: 1 });
      expect(answer.status).toBe(415);
    });

    it('one that comes slowly holds no seat, no token and no place in the queue', async () => {
      const before = charged();
      const slow = await RawClient.sends(bench.port, 'POST', '/body', {
        'Content-Type': 'application/json',
        'Content-Length': '11',
      });
      slow.write('{"a":');
      await until(() => bench.stats('body').undecided === 1);
      const { bulkhead } = bench.gateway.entry('body').runtime.gate ?? {};
      expect({ seats: bulkhead?.inFlight, queued: bulkhead?.queued }).toEqual({ seats: 0, queued: 0 });
      expect(charged()).toBeLessThanOrEqual(before);
      const other = await bench.request.post('/body').send({ fast: true });
      expect(other.body).toEqual({ fast: true });
      slow.write('"slow"');
      slow.leave();
    });

    it('a client that leaves while its body is coming leaves nothing behind', async () => {
      const abandoned = bench.stats('body').abandonedBeforeAdmission;
      const client = await RawClient.sends(bench.port, 'POST', '/body', {
        'Content-Type': 'application/json',
        'Content-Length': '100',
      });
      client.write('{"a":');
      await until(() => bench.stats('body').undecided === 1);
      client.leave();
      await until(() => bench.stats('body').undecided === 0);
      expect(bench.stats('body').abandonedBeforeAdmission).toBe(abandoned + 1);
    });
  });

  describe('answers that somebody else gives before admission', () => {
    it('a parser that answers by itself ends the request', async () => {
      const answer = await bench.request.post('/gated').send({ a: 1 });
      expect([answer.status, answer.body]).toEqual([401, { by: 'parser' }]);
      expect(bench.stats('gated')).toMatchObject({ admitted: 0, abandonedBeforeAdmission: 1 });
    });

    it('a timeout that answers a queued request takes it out of the queue', async () => {
      gate = latch();
      started = 0;
      const first = bench.request.get('/narrow').then((answer) => answer.status);
      await until(() => started === 1);
      const second = bench.request.get('/impatient').then((answer) => [answer.status, answer.body]);
      await until(() => bench.gateway.entry('narrow').runtime.queued === 1);
      timeOut();
      expect(await second).toEqual([408, { by: 'timeout' }]);
      expect(bench.gateway.entry('narrow').runtime.queued).toBe(0);
      gate.open();
      expect(await first).toBe(200);
      expect(started).toBe(1);
    });
  });

  describe('mistakes of the application around the guard', () => {
    it.each(['/parser-rejects', '/parser-throws'])(
      'a parser that fails (%s) reaches the error handlers',
      async (path) => {
        await bench.request.post(path).expect(500);
        expect(bench.unexpected.splice(0)).toEqual([new Error('a mistake of the parser')]);
        expect(bench.stats('gated')).toMatchObject({ admitted: 0 });
      },
    );

    it('a promise of another kind that a handler returns is heard', async () => {
      await bench.request.get('/thenable').expect(500);
      expect(bench.unexpected.splice(0)).toMatchObject([{ message: expect.stringContaining('ECONNREFUSED') }]);
    });

    it('an answer begun by somebody else while the request is queued harms nobody else', async () => {
      gate = latch();
      started = 0;
      const first = bench.request.get('/narrow').then((answer) => answer.status);
      await until(() => started === 1);
      const begun = await RawClient.sends(bench.port, 'GET', '/impatient-writes');
      const third = bench.request.get('/narrow').then((answer) => answer.status);
      await until(() => bench.gateway.entry('narrow').runtime.queued === 2);
      await until(() => begun.received.includes('200 OK'));
      gate.open();
      expect(await Promise.all([first, third])).toEqual([200, 200]);
      await until(() => bench.stats('narrow').inFlight === 0);
      begun.leave();
    });
  });

  describe('clients that leave', () => {
    it('in the queue: no work is done for them, and their token comes back', async () => {
      gate = latch();
      started = 0;
      const { rate, gate: seats } = bench.gateway.entry('waiting').runtime;
      const first = bench.request.get('/waiting').then((answer) => answer.status);
      await until(() => started === 1);
      const left = () => rate?.endpointLevel(performance.now())?.remaining ?? 0;
      const before = left();
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => RawClient.sends(bench.port, 'GET', '/waiting')),
      );
      await until(() => seats?.bulkhead.queued === 20);
      expect(left()).toBeLessThan(before - 18);
      for (const client of clients) client.leave();
      await until(() => seats?.bulkhead.queued === 0);
      expect(left()).toBeGreaterThanOrEqual(before);
      gate.open();
      expect(await first).toBe(200);
      expect(started).toBe(1);
    });
  });
});
