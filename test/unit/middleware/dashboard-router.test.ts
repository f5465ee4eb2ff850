import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import { createGateway, type Gateway } from 'sluice';
import { type OperationsOptions, operations, problemHandler, protect } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../integration/pools/pool-fixture.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const warned: string[] = [];
const warnedCodes: unknown[] = [];
const logger = {
  debug: () => {},
  info: () => {},
  warn: ({ code }: { readonly code?: unknown }, text: string) => {
    warned.push(text);
    warnedCodes.push(code);
  },
  error: () => {},
};

/** A gateway without a database, with its operations at `/ops`; what fails gets the page of Express without `handler`. */
async function serve(
  options: OperationsOptions,
  express = express5,
  handler = true,
): Promise<{ gateway: Gateway; server: Server }> {
  const routes = { checkout: { ratePerSecond: 5, burst: 1, deadlineMs: 500 }, resize: { concurrency: 2 } };
  const gateway = await createGateway({ routes, readinessDelayMs: 0 }, { env: {}, logger });
  const app = express();
  app.use('/ops', operations(gateway, options));
  app.get('/checkout', protect(gateway, 'checkout'), (_req, res) => void res.json({}));
  if (handler) app.use(problemHandler({ catchAll: true }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => gateway.drain({ server, timeoutMs: 0 }));
  return { gateway, server };
}

/** Reads events of the stream until one of this name came, and gives its data back. */
async function nextEvent(stream: IncomingMessage, name: string): Promise<unknown> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    const found = new RegExp(`event: ${name}\\ndata: (.*)\\n\\n`).exec(text);
    if (found !== null) return JSON.parse(found[1] ?? '');
  }
  throw new Error(`the stream ended without an event "${name}"`);
}

/** Begins to listen; the stream stays open. */
async function listen(server: Server): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const request = get({ port, path: '/ops/events', host: '127.0.0.1', agent: false });
  const [stream] = (await once(request, 'response')) as [IncomingMessage];
  return stream;
}

describe('who may look', () => {
  test.each([
    ['nothing', {}],
    ['public: false', { public: false }],
    ['authorize that is no function', { authorize: true }],
    ['both', { authorize: () => true, public: true }],
    ['changes by everybody', { public: true, allowChanges: true }],
  ])('is asked for at the mount: %s is refused', async (_, options) => {
    const gateway = await createGateway({ routes: { checkout: {} } }, { env: {} });
    open.push(() => gateway.drain({ timeoutMs: 0 }));
    expect(() => operations(gateway, options as OperationsOptions)).toThrow(/operations\(\) (needs|has) /);
  });

  test.each(['/', '/snapshot.json', '/config.json', '/events', '/uplot.js', '/changes'])(
    'holds for every part: GET %s',
    async (path) => {
      for (const said of [false, undefined, 'yes']) {
        const { server } = await serve({ authorize: () => said as boolean, allowChanges: true });
        const answer = await supertest(server).get(`/ops${path}`);
        expect(answer.status).toBe(403);
        expect(answer.body).toMatchObject({ status: 403 });
      }
    },
  );
});

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('the page on %s', (_, express) => {
  test.each<[how: string, authorize: NonNullable<OperationsOptions['authorize']>]>([
    [
      'throws',
      () => {
        throw new TypeError('secret of the session store');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret of the session store'))],
    ['rejects with no error', () => Promise.reject('secret of the session store')],
  ])('is kept closed by a check that %s, which is told once and never to who asks', async (_how, authorize) => {
    warned.length = 0;
    warnedCodes.length = 0;
    const { server } = await serve({ authorize, allowChanges: true }, express, false);
    for (const path of ['/', '/snapshot.json', '/events']) {
      const answer = await supertest(server).get(`/ops${path}`);
      expect([answer.status, answer.type]).toEqual([500, 'application/problem+json']);
      expect(answer.body).toMatchObject({ status: 500, title: 'Internal Server Error' });
      expect(answer.text).not.toContain('secret');
    }
    expect(warnedCodes).toEqual(['authorize_failed']);
    expect(warned.join()).toMatch(/authorize of operations\(\) (threw|rejected)/);
    expect(warned.join()).not.toContain('secret');
  });

  test('comes with its parts and a policy that lets nothing else in', async () => {
    const { server } = await serve({ public: true }, express);
    for (const path of ['/ops', '/ops/']) {
      const page = await supertest(server).get(path);
      expect(page.status).toBe(200);
      const nonce = /<script nonce="([^"]+)"/.exec(page.text)?.[1];
      expect(page.headers['content-security-policy']).toContain(`script-src 'nonce-${nonce}'`);
      expect(page.headers['cache-control']).toBe('no-store');
    }
    const [script, style] = await Promise.all(['js', 'css'].map((type) => supertest(server).get(`/ops/uplot.${type}`)));
    expect([script?.status, script?.type, style?.type]).toEqual([200, 'text/javascript', 'text/css']);
    expect(script?.text).toContain('uPlot');
    expect(script?.headers['x-content-type-options']).toBe('nosniff');
  });

  test('is fed with events', async () => {
    const { gateway, server } = await serve({ public: true }, express);
    await gateway.run('checkout', async () => undefined);
    await expect(gateway.run('checkout', async () => undefined)).rejects.toThrow();
    const stream = await listen(server);
    expect(stream.headers['content-type']).toBe('text/event-stream');
    expect(stream.headers['cache-control']).toContain('no-transform');
    expect(await nextEvent(stream, 'refusals')).toMatchObject([
      { route: 'checkout', code: 'rate_limited', measured: { refill_per_second: 5, burst: 1 } },
    ]);
    const again = await listen(server);
    expect(await nextEvent(again, 'view')).toMatchObject({ mode: 'enforce', routes: [{ name: 'checkout' }, {}] });
  });
});

test('a page that asks why it gets no events hears it', async () => {
  const { gateway, server } = await serve({ public: true });
  const head = () => supertest(server).head('/ops/events');
  expect([(await head()).status, (await head()).type]).toEqual([200, 'text/event-stream']);
  await gateway.drain({ timeoutMs: 0 });
  expect((await head()).status).toBe(503);
});

test('events end when the gateway drains, so that nobody holds the server up', async () => {
  const { gateway, server } = await serve({ public: true });
  const stream = await listen(server);
  const drained = gateway.drain({ server });
  let text = '';
  // A stream that is cut rather than ended throws here.
  for await (const chunk of stream) text += String(chunk);
  expect(text).toMatch(/event: leaving\ndata: \{\}\n\n$/);
  await drained;
  expect(server.listening).toBe(false);
});

describe('changes', () => {
  const post = (server: Server, path: string, body: unknown, headers: Record<string, string> = {}) =>
    supertest(server)
      .post(`/ops/changes${path}`)
      .set({ 'X-Sluice-Change': '1', 'Content-Type': 'application/json', ...headers })
      .send(typeof body === 'string' ? body : JSON.stringify(body));
  const deadline = { path: 'routes.checkout.deadlineMs', value: '250' };

  test('are there only where they are allowed', async () => {
    const { server } = await serve({ authorize: () => true });
    expect((await post(server, '', deadline)).status).toBe(404);
    expect((await supertest(server).get('/ops/config.json')).body.changes).toBeNull();
  });

  test('hold at once, are shown with their origin, told of, and undone', async () => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    const stream = await listen(server);
    const made = await post(server, '', deadline);
    expect([made.status, made.body]).toEqual([200, expect.objectContaining({ id: 1, from: 500, to: 250, undo: true })]);
    expect(await nextEvent(stream, 'change')).toEqual({});
    expect(await gateway.run('checkout', async (handle) => handle.timeLeftMs())).toBeLessThanOrEqual(250);
    const shown = (await supertest(server).get('/ops/config.json')).body;
    const line = { path: deadline.path, value: '250', origin: 'live' };
    expect(shown.lines).toContainEqual(expect.objectContaining(line));
    expect(shown.changes.history).toMatchObject([{ id: 1, path: deadline.path, undone: false }]);
    const { run } = shown.changes;
    expect((await post(server, '/undo', { id: 1, run })).status).toBe(200);
    expect((await post(server, '/undo', { id: 1, run })).status).toBe(409);
    const after = (await supertest(server).get('/ops/config.json')).body;
    expect(after.lines).toContainEqual(expect.objectContaining({ path: deadline.path, value: '500', origin: 'code' }));
    expect(warned.slice(-2)).toEqual([
      'change 1: routes.checkout.deadlineMs was changed from 500 to 250 while running',
      'change 1 was undone: routes.checkout.deadlineMs is 500 again',
    ]);
  });

  test('are undone by nobody who saw the list of another process', async () => {
    const { server: earlier } = await serve({ authorize: () => true, allowChanges: true });
    const { run } = (await supertest(earlier).get('/ops/config.json')).body.changes;
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    await post(server, '', deadline);
    const answer = await post(server, '/undo', { id: 1, run });
    expect([answer.status, answer.type]).toEqual([409, 'application/problem+json']);
    expect(answer.body.detail).toMatch(/^Nothing was undone: the change is of another process/);
    expect((await post(server, '/undo', { id: 1 })).status).toBe(400);
    expect(gateway.liveChanges.history()).toMatchObject([{ id: 1, undone: false }]);
  });

  test('of a rate are told to clients from the next answer on', async () => {
    const { server } = await serve({ authorize: () => true, allowChanges: true });
    const policy = async () => (await supertest(server).get('/checkout')).headers['ratelimit-policy'];
    expect(await policy()).toBe('"checkout";q=1;w=1');
    expect((await post(server, '', { path: 'routes.checkout.ratePerSecond', value: '1000' })).status).toBe(200);
    expect((await post(server, '', { path: 'routes.checkout.burst', value: '4000' })).status).toBe(200);
    await until(async () => (await policy()) === '"checkout";q=4000;w=4');
  });

  test.each<[string, Record<string, string>]>([
    ['without the header', { 'X-Sluice-Change': '' }],
    ['as a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['as text', { 'Content-Type': 'text/plain' }],
    ['from another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['from another host of the site', { 'Sec-Fetch-Site': 'same-site' }],
  ])('are refused %s', async (_, headers) => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    expect((await post(server, '', deadline, headers)).status).toBe(403);
    expect((await post(server, '', deadline, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    expect(gateway.liveChanges.history()).toHaveLength(1);
  });

  test.each<[number, unknown, RegExp]>([
    [422, { path: 'routes.checkout.deadlineMs', value: 'soon' }, /deadlineMs is "soon": use a whole number from 1/],
    [422, { path: 'routes.checkout.deadlineMs', value: 0 }, /use a whole number from 1/],
    [422, { path: 'routes.checkout.pool', value: 'other' }, /cannot be changed while running; these can: mode, routes/],
    [422, { path: '__proto__', value: 1 }, /cannot be changed/],
    [400, { path: 'routes.checkout.deadlineMs' }, /Send/],
    [400, [], /Send/],
    [400, '{"path":', /./],
  ])('are checked: %i for %j', async (status, body, detail) => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    const answer = await post(server, '', body);
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toMatch(detail);
    expect(gateway.liveChanges.history()).toEqual([]);
  });
});
