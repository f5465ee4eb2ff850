import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createConnection } from 'node:net';
import request from 'supertest';
import { expect, test } from 'vitest';
import { answeredWithProblem, HttpProblem, problem, sendProblem } from '../../../middleware/problem.js';
import { ERROR_CODES, type Refusal, SluiceError } from '../../../src/errors.js';

const refusal: Refusal = {
  code: 'queue_full',
  status: 503,
  outcome: 'not_started',
  detail: 'The queue of "checkout" holds 90 ms of work. Retry later.',
  retryAfterMs: 1_600,
  measured: { queued: 58, predictedWaitMs: 93.5 },
};

const midway = { random: () => 0.5 };

const serve = (listener: RequestListener) => request(createServer(listener));

test('a refusal is a problem with all that was measured', async () => {
  const answer = await serve((_, res) => sendProblem(res, refusal, midway)).get('/');
  expect(answer.status).toBe(503);
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers['retry-after']).toBe('2');
  expect(answer.body).toEqual({
    type: 'urn:sluice:problem:queue_full',
    title: 'The queue is full',
    status: 503,
    detail: refusal.detail,
    code: 'queue_full',
    outcome: 'not_started',
    retry_after_ms: 1_600,
    measured: { queued: 58, predictedWaitMs: 93.5 },
  });
});

test('an error of Sluice is sent as the refusal that it is, without its cause', async () => {
  const error = new SluiceError({ ...refusal, cause: new Error('postgres://user:secret@host') });
  const answer = await serve((_, res) => sendProblem(res, error, midway)).get('/');
  expect(answer.body).toMatchObject({ code: 'queue_full', detail: refusal.detail, outcome: 'not_started' });
  expect(answer.text).not.toContain('secret');
});

test('every code has a type and a title of its own', async () => {
  const titles = new Set<string>();
  for (const code of ERROR_CODES) {
    const answer = await serve((_, res) => sendProblem(res, { ...refusal, code })).get('/');
    expect(answer.body.type).toBe(`urn:sluice:problem:${code}`);
    titles.add(answer.body.title);
  }
  expect(titles).not.toContain(undefined);
  expect(titles.size).toBe(ERROR_CODES.length);
});

test.each([
  [undefined, 0.5, undefined, undefined],
  [Number.POSITIVE_INFINITY, 0.5, undefined, undefined],
  [0, 0.5, '1', 100],
  [-20, 0.5, '1', 100],
  [1, 0, '1', 75],
  [400, 0.5, '1', 400],
  [1_000, 0, '1', 750],
  [1_000, 0.5, '1', 1_000],
  [1_001, 0.5, '2', 1_001],
  [8_000, 0, '6', 6_000],
  [8_000, 0.999_999, '10', 10_000],
])('a wait of %s ms with %d drawn is sent as Retry-After %s', async (retryAfterMs, drawn, seconds, bodyMs) => {
  const { retryAfterMs: _, ...bare } = refusal;
  const sent = retryAfterMs === undefined ? bare : { ...bare, retryAfterMs };
  const answer = await serve((__, res) => sendProblem(res, sent, { random: () => drawn })).get('/');
  expect(answer.headers['retry-after']).toBe(seconds);
  expect(answer.body.retry_after_ms).toBe(bodyMs);
});

test.each([
  [0, 1_000, '1'],
  [1, 1_250, '2'],
  [2, 1_500, '2'],
  [3, 2_000, '2'],
] as const)('class %d is told to stay away for %d ms', async (rank, bodyMs, seconds) => {
  const sent = { ...refusal, retryAfterMs: 1_000 };
  const answer = await serve((_, res) => sendProblem(res, sent, { ...midway, rank })).get('/');
  expect(answer.body.retry_after_ms).toBe(bodyMs);
  expect(answer.headers['retry-after']).toBe(seconds);
});

test('a plain problem carries its own members, but not another status', async () => {
  const plain = {
    status: 409,
    detail: 'Out of stock.',
    extra: { sku: 7, code: 'out_of_stock', status: 200, detail: '' },
  };
  const answer = await serve((_, res) => sendProblem(res, plain)).get('/');
  expect(answer.status).toBe(409);
  expect(answer.body).toEqual({
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'Out of stock.',
    sku: 7,
    code: 'out_of_stock',
  });
});

test("an application's own error class may carry a code", async () => {
  class OutOfStock extends HttpProblem {
    readonly code = 'out_of_stock';
  }
  const answer = await serve((_, res) => sendProblem(res, new OutOfStock(409, 'None left.'))).get('/');
  expect(answer.body).toEqual({ type: 'about:blank', title: 'Conflict', status: 409, detail: 'None left.' });
});

test('members that JSON cannot express do not cost the answer', async () => {
  const extra: Record<string, unknown> = { id: 7n };
  extra.self = extra;
  const answer = await serve((_, res) => sendProblem(res, { status: 404, detail: 'No such order.', extra })).get('/');
  expect(answer.body).toEqual({ type: 'about:blank', title: 'Not Found', status: 404, detail: 'No such order.' });
});

test('HEAD gets the headers of GET and no body', async () => {
  const listener: RequestListener = (_, res) => sendProblem(res, refusal, midway);
  const get = await serve(listener).get('/');
  const head = await serve(listener).head('/');
  expect(head.text ?? '').toBe('');
  expect(head.headers['content-length']).toBe(get.headers['content-length']);
  expect(head.headers['retry-after']).toBe('2');
  expect(head.status).toBe(503);
});

test('the length counts bytes, not characters', async () => {
  const answer = await serve((_, res) => sendProblem(res, { status: 404, detail: 'Kein Gerät „Süd“ 🚰' })).get('/');
  expect(answer.body.detail).toBe('Kein Gerät „Süd“ 🚰');
  expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.text));
});

test('draining ends the connection, other refusals when asked', async () => {
  const closing = async (sent: Refusal, close?: boolean): Promise<string | undefined> =>
    (
      await serve((_, res) => sendProblem(res, sent, close === undefined ? {} : { close }))
        .get('/')
        .set('Connection', 'keep-alive')
    ).headers.connection;
  expect(await closing({ ...refusal, code: 'draining' })).toBe('close');
  expect(await closing(refusal)).toBe('keep-alive');
  expect(await closing(refusal, true)).toBe('close');
});

test('adds headers, keeps those set before, and drops what was announced about another answer', async () => {
  const answer = await serve((_, res) => {
    res.setHeader('X-Request-Id', 'r-1');
    res.setHeader('Content-Type', 'text/csv');
    res.setHeader('Content-Encoding', 'gzip');
    res.setHeader('Cache-Control', 'public, max-age=3600');
    res.setHeader('ETag', '"v1"');
    res.setHeader('Content-Length', '5');
    sendProblem(res, refusal, { headers: ['RateLimit', '"checkout";r=0;t=1'] });
  }).get('/');
  expect(answer.headers).toMatchObject({ 'x-request-id': 'r-1', ratelimit: '"checkout";r=0;t=1' });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  for (const name of ['content-encoding', 'cache-control', 'etag']) expect(answer.headers).not.toHaveProperty(name);
  expect(answer.body.code).toBe('queue_full');
});

test('does nothing once an answer has begun or ended', async () => {
  const results: boolean[] = [];
  const answer = await serve((_, res) => {
    results.push(answeredWithProblem(res), sendProblem(res, refusal), answeredWithProblem(res));
    results.push(sendProblem(res, { ...refusal, code: 'draining' }));
  }).get('/');
  expect(results).toEqual([false, true, true, false]);
  expect(answer.body.code).toBe('queue_full');

  const begun = await serve((_, res) => {
    res.write('partly');
    expect(sendProblem(res, refusal)).toBe(false);
    expect(answeredWithProblem(res)).toBe(false);
    res.end(' done');
  }).get('/');
  expect(begun.text).toBe('partly done');
});

test('a client that has left is no error', async () => {
  const server = createServer((req, res) => {
    req.socket.destroy();
    res.once('close', () => server.emit('outcome', sendProblem(res, refusal)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const outcome = once(server, 'outcome');
  const socket = createConnection(address.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  socket.on('error', () => {});
  expect(await outcome).toEqual([true]);
  server.close();
});

test('an error to throw says what it is', () => {
  const error = problem(422, 'quantity must be at least 1', { field: 'quantity' });
  expect(error).toBeInstanceOf(HttpProblem);
  expect(error).toMatchObject({ status: 422, detail: 'quantity must be at least 1', extra: { field: 'quantity' } });
});

test.each([200, 399, 600, 404.5, Number.NaN])('status %d cannot be thrown', (status) => {
  expect(() => problem(status, 'x')).toThrow(/use an integer from 400 to 599/);
});
