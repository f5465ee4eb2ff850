import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import express from 'express';
import { operations } from 'sluice/express';
import supertest from 'supertest';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../integration/pools/pool-fixture.js';
import { closeAll, listen, nextEvent, open, serve, warned } from './dashboard-serve.js';

afterEach(closeAll);

describe('changes', () => {
  const post = (server: Server, path: string, body: unknown, headers: Record<string, string> = {}) =>
    supertest(server)
      .post(`/ops/changes${path}`)
      .set({ 'X-Sluice-Change': '1', 'Content-Type': 'application/json', ...headers })
      .send(typeof body === 'string' ? body : JSON.stringify(body));
  const runOf = async (server: Server): Promise<string> =>
    (await supertest(server).get('/ops/config.json')).body.changes.run;
  const set = async (server: Server, change: object, headers: Record<string, string> = {}) =>
    post(server, '', { ...change, run: await runOf(server) }, headers);
  const deadline = { path: 'routes.checkout.deadlineMs', value: '250' };

  test('are there only where they are allowed', async () => {
    const { server } = await serve({ authorize: () => true });
    expect((await post(server, '', deadline)).status).toBe(404);
    expect((await supertest(server).get('/ops/config.json')).body.changes).toBeNull();
  });

  test('hold at once, are shown with their origin, told of, and undone', async () => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    const stream = await listen(server);
    const made = await set(server, deadline);
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

  test('are one list at all mounts, told of at each, and undone at any', async () => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    const app = express().use('/ops', operations(gateway, { authorize: () => true, allowChanges: true }));
    const other = createServer(app).listen(0, '127.0.0.1');
    await once(other, 'listening');
    open.push(() => gateway.drain({ server: other, timeoutMs: 0 }));
    const told = [await listen(server), await listen(other)].map((stream) => nextEvent(stream, 'change'));
    const { body } = await set(server, deadline);
    expect(await Promise.all(told)).toEqual([{}, {}]);
    const toldOfUndo = nextEvent(await listen(server), 'change');
    expect(await runOf(other)).toBe(await runOf(server));
    expect((await post(other, '/undo', { id: body.id, run: await runOf(server) })).status).toBe(200);
    expect(await toldOfUndo).toEqual({});
    // Nobody has to ask for it over HTTP.
    const toldOfCode = nextEvent(await listen(other), 'change');
    gateway.liveChanges.set(deadline.path, 300);
    expect(await toldOfCode).toEqual({});
  });

  test('are undone by nobody who saw the list of another process', async () => {
    const { server: earlier } = await serve({ authorize: () => true, allowChanges: true });
    const run = await runOf(earlier);
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    await set(server, deadline);
    const answer = await post(server, '/undo', { id: 1, run });
    expect([answer.status, answer.type]).toEqual([409, 'application/problem+json']);
    expect(answer.body.detail).toMatch(/^Nothing was undone: the change is of another process/);
    expect((await post(server, '/undo', { id: 1 })).status).toBe(400);
    expect(gateway.liveChanges.history()).toMatchObject([{ id: 1, undone: false }]);
  });

  test('are made by nobody who saw the settings of another process', async () => {
    const { server: earlier } = await serve({ authorize: () => true, allowChanges: true });
    const run = await runOf(earlier);
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true });
    const answer = await post(server, '', { ...deadline, run });
    expect([answer.status, answer.type]).toEqual([409, 'application/problem+json']);
    expect(answer.body.detail).toMatch(
      /^Nothing was changed: the settings that you saw are of another process.* set it again\.$/,
    );
    expect((await post(server, '', deadline)).status).toBe(400);
    expect(gateway.liveChanges.history()).toEqual([]);
    expect((await set(server, deadline)).status).toBe(200);
  });

  test('of a rate are told to clients from the next answer on', async () => {
    const { server } = await serve({ authorize: () => true, allowChanges: true });
    const policy = async () => (await supertest(server).get('/checkout')).headers['ratelimit-policy'];
    expect(await policy()).toBe('"checkout";q=1;w=1');
    expect((await set(server, { path: 'routes.checkout.ratePerSecond', value: '1000' })).status).toBe(200);
    expect((await set(server, { path: 'routes.checkout.burst', value: '4000' })).status).toBe(200);
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
    expect((await set(server, deadline, headers)).status).toBe(403);
    expect((await set(server, deadline, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    expect(gateway.liveChanges.history()).toHaveLength(1);
  });

  test.each<[number, unknown, RegExp]>([
    [422, { path: 'routes.checkout.deadlineMs', value: 'soon' }, /deadlineMs is "soon": use a whole number from 1/],
    [422, { path: 'routes.checkout.deadlineMs', value: 0 }, /use a whole number from 1/],
    [422, { path: 'routes.checkout.pool', value: 'other' }, /cannot be changed while running; these can: mode, routes/],
    [422, { path: '__proto__', value: 1 }, /cannot be changed/],
    [400, { path: 'routes.checkout.deadlineMs' }, /Send/],
    [400, { ...deadline, run: 1 }, /Send .*, with the run that config\.json has/],
    [400, [], /Send/],
    [400, '{"path":', /./],
  ])('are checked, by nobody else than the dashboard: %i for %j', async (status, body, detail) => {
    const { gateway, server } = await serve({ authorize: () => true, allowChanges: true }, undefined, false);
    const sent = typeof body === 'object' && !Array.isArray(body) ? { run: await runOf(server), ...body } : body;
    const answer = await post(server, '', sent);
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json']);
    expect(answer.body.detail).toMatch(detail);
    expect(gateway.liveChanges.history()).toEqual([]);
  });
});
