import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { FRAMEWORKS } from './harness.js';
import { OneSeat } from './one-seat.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('the ways of HTTP, on %s', (_name, express) => {
  const stand = OneSeat.duringTests(express);

  it('HEAD follows GET, through the same guard', async () => {
    const { admitted } = stand.bench.stats('one');
    stand.act = (_req, res) => res.json({});
    const answer = await stand.bench.request.head('/one');
    expect([answer.status, answer.text]).toEqual([200, undefined]);
    expect(stand.bench.stats('one').admitted).toBe(admitted + 1);
  });

  it('OPTIONS passes, unguarded', async () => {
    const { arrived } = stand.bench.stats('one');
    const answer = await stand.bench.request.options('/one');
    expect(answer.status).toBe(200);
    expect(answer.headers.allow).toContain('GET');
    expect(stand.bench.stats('one').arrived).toBe(arrived);
  });

  it('routers that are mounted work', async () => {
    const answer = await stand.bench.request.get('/mounted/things/7');
    expect(answer.body).toEqual({ id: '7', base: '/mounted', route: 'one' });
  });

  it('a table of routes guards what it names, and lets the rest pass', async () => {
    const { arrived } = stand.bench.stats('one');
    expect((await stand.bench.request.get('/table/orders/5')).body).toEqual({ id: '5', route: 'one' });
    expect((await stand.bench.request.get('/table/orders/5/')).body).toEqual({ id: '5', route: 'one' });
    expect((await stand.bench.request.get('/table/ORDERS/6')).body).toEqual({ id: '6', route: 'one' });
    expect((await stand.bench.request.head('/table/orders/5')).status).toBe(200);
    expect((await stand.bench.request.put('/table/any')).body).toEqual({ method: 'PUT', route: 'free' });
    expect((await stand.bench.request.get('/table/open')).body).toEqual({ guarded: false });
    expect(stand.bench.stats('one').arrived).toBe(arrived + 4);
  });

  it('a route without a pool says so when it is asked for the database', async () => {
    stand.act = async (req, res) => {
      const error = await Promise.resolve()
        .then(() => req.sluice.query('SELECT 1'))
        .catch((reason: Error) => reason.message);
      res.json({ error });
    };
    expect((await stand.bench.request.get('/free')).body.error).toMatch(/route "free" has no pool/);
  });

  it('two requests on one connection, one after the other, each get their own answer', async () => {
    let count = 0;
    stand.act = (_req, res) => res.json({ count: ++count });
    const client = await RawClient.to(stand.bench.port);
    client.write('GET /one HTTP/1.1', 'Host: test', '', 'GET /one HTTP/1.1', 'Host: test', 'Connection: close', '', '');
    await once(client.socket, 'end');
    expect(client.received.match(/"count":\d/g)).toEqual(['"count":1', '"count":2']);
  });
});
