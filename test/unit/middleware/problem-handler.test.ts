import { createRequire } from 'node:module';
import express5, { type Express } from 'express';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { problem, sendProblem } from '../../../middleware/problem.js';
import { type ProblemHandlerOptions, problemHandler } from '../../../middleware/problem-handler.js';
import { SluiceError } from '../../../src/errors.js';
import { ImplicitCommitError } from '../../../src/pools/implicit-commit.js';
import { unheardRejections } from '../../support/unheard-rejections.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;

const fails = (): never => {
  throw new Error('the reporter is gone');
};

const expired = new SluiceError({
  code: 'deadline_expired',
  status: 504,
  outcome: 'unknown',
  detail: 'The deadline of 500 ms ran out.',
});

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('%s', (_, express) => {
  const appThat = (fails: () => unknown, options?: ProblemHandlerOptions): Express => {
    const app = express();
    app.set('env', 'test');
    app.get('/', (__, ___, next) => next(fails()));
    app.post('/', express.json({ limit: 100 }), (req, res) => void res.json(req.body));
    app.get('/items/:id', (req, res) => void res.json(req.params));
    app.use(problemHandler(options));
    return app;
  };
  const get = (error: unknown, options?: ProblemHandlerOptions) =>
    request(appThat(() => error, options))
      .get('/')
      .ok(() => true);
  const post = () => request(appThat(() => undefined)).post('/');

  test('an error of Sluice becomes its refusal', async () => {
    const answer = await get(expired);
    expect(answer.status).toBe(504);
    expect(answer.body).toMatchObject({ code: 'deadline_expired', outcome: 'unknown' });
  });

  test('a problem thrown by a handler becomes the answer', async () => {
    const answer = await get(problem(404, 'There is no order 7.', { id: 7 }));
    expect(answer.status).toBe(404);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ title: 'Not Found', detail: 'There is no order 7.', id: 7 });
  });

  test('malformed JSON is 400 and quotes nothing of the body', async () => {
    const answer = await post().set('Content-Type', 'application/json').send('{"password": hunter2');
    expect(answer.status).toBe(400);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.text).not.toContain('hunter2');
    expect(answer.text).not.toContain('pass');
  });

  test('a body larger than allowed is 413', async () => {
    const answer = await post().send({ note: 'x'.repeat(200) });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ title: 'Payload Too Large', status: 413 });
  });

  test('an unknown character set is 415', async () => {
    const answer = await post().set('Content-Type', 'application/json; charset=iso-8859-1').send('{}');
    expect(answer.status).toBe(415);
    expect(answer.type).toBe('application/problem+json');
  });

  test('an invalid escape in the path is 400', async () => {
    const answer = await request(appThat(() => undefined)).get('/items/%zz');
    expect(answer.status).toBe(400);
    expect(answer.type).toBe('application/problem+json');
  });

  test('a 4xx error keeps the headers that it asks for, the valid ones', async () => {
    const error = Object.assign(new Error('Only GET is served here.'), {
      status: 405,
      expose: true,
      headers: { Allow: 'GET', 'X-Bad': 'a\r\nb', 'bad name': 'x' },
    });
    const answer = await get(error);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET');
    expect(answer.headers).not.toHaveProperty('x-bad');
    expect(answer.body.detail).toBe('Only GET is served here.');
  });

  test.each(['EMFILE', 'ENFILE', 'ENOMEM'])('F60 a parser that meets %s does not blame the client', async (code) => {
    // As body-parser makes it of whatever it meets, with the path in its text.
    const error = Object.assign(new Error(`${code}: open '/srv/tables.js'`), { code, status: 400, expose: true });
    const answer = await get(error);
    expect(answer.status).toBe(503);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.text).not.toContain('tables.js');
  });

  test.each(['40001', '40P01', 'ER_LOCK_DEADLOCK'])('database contention %s can be retried', async (code) => {
    const answer = await get(Object.assign(new Error('deadlock detected: row 7'), { code }));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).toMatchObject({ code: 'database_busy', outcome: 'rolled_back' });
    expect(answer.text).not.toContain('row 7');
  });

  test('a transaction that was committed by the way is told with its outcome, and reported', async () => {
    const seen: unknown[] = [];
    const error = new ImplicitCommitError(new Error('TRUNCATE hunter2'));
    const answer = await get(error, { onError: (each) => seen.push(each) });
    expect(answer.status).toBe(500);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      type: 'urn:sluice:problem:implicit_commit',
      title: 'A statement committed by the way',
      code: 'implicit_commit',
      outcome: 'unknown',
      status: 500,
    });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(answer.text).not.toContain('hunter2');
    expect(seen).toEqual([error]);
  });

  test.each([
    ['an error', new Error('boom')],
    ['another database error', Object.assign(new Error('duplicate key'), { code: '23505' })],
    ['a server error', Object.assign(new Error('boom'), { status: 500, expose: true })],
    ['a client error that is not to be told', Object.assign(new Error('boom'), { status: 401, expose: false })],
    ['a string', 'boom'],
  ])('%s is left to the next handler', async (__, error) => {
    const app = appThat(() => error);
    app.use(((seen, ____, res, _____) => {
      res.status(500).send(seen === error ? 'the very same' : 'another');
    }) satisfies express5.ErrorRequestHandler);
    const answer = await request(app)
      .get('/')
      .ok(() => true);
    expect(answer.text).toBe('the very same');
  });

  test('catchAll answers 500, tells nothing, and reports the error', async () => {
    const seen: unknown[] = [];
    const boom = new Error('password is hunter2');
    const answer = await get(boom, { catchAll: true, onError: (error) => seen.push(error) });
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ title: 'Internal Server Error', status: 500 });
    expect(answer.text).not.toContain('hunter2');
    expect(seen).toEqual([boom]);
  });

  test.each([
    ['throws', () => fails()],
    ['rejects', async () => fails()],
  ])('an onError that %s costs neither the answer nor the process', async (__, onError) => {
    for (const error of [new Error('boom'), new ImplicitCommitError(new Error('TRUNCATE'))]) {
      let answer: Awaited<ReturnType<typeof get>> | undefined;
      const rejections = await unheardRejections(async () => {
        answer = await get(error, { catchAll: true, onError });
      });
      expect([answer?.status, answer?.type]).toEqual([500, 'application/problem+json']);
      expect(rejections).toEqual([]);
    }
  });

  test('what a handler throws after Sluice has answered is swallowed', async () => {
    const passedOn: unknown[] = [];
    const app = express();
    app.get('/', (__, res, next) => {
      sendProblem(res, expired);
      next(new Error('too late'));
    });
    app.use(problemHandler({ catchAll: true, onError: (error) => passedOn.push(error) }));
    app.use(((error, __, ___, next) => {
      passedOn.push(error);
      next(error);
    }) satisfies express5.ErrorRequestHandler);
    const answer = await request(app)
      .get('/')
      .ok(() => true);
    expect(answer.body.code).toBe('deadline_expired');
    expect(passedOn).toEqual([]);
  });

  test('an error after the handler began to answer is left to Express, which ends the connection', async () => {
    const app = express();
    app.set('env', 'test');
    app.get('/', (__, res, next) => {
      res.write('partly');
      next(expired);
    });
    app.use(problemHandler());
    await expect(request(app).get('/')).rejects.toThrow(/aborted|hang up|terminated/);
  });
});
