import type { Request, Response } from 'express';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { type Bench, FRAMEWORKS, serve } from './harness.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('a body that comes late, and writes that come late, on %s', (_name, express) => {
  let bench: Bench;
  let act: (req: Request, res: Response) => unknown;

  beforeAll(async () => {
    bench = await serve(
      { express, routes: { one: { deadlineMs: 150, ratePerSecond: 0.001, burst: 2 }, writes: {} } },
      (app, gateway, { json }) => {
        app.post(
          '/one',
          protect(gateway, 'one', { body: json() }, (_req, res) => res.json({})),
        );
        app.get(
          '/writes',
          protect(gateway, 'writes', {}, (req, res) => act(req, res)),
        );
      },
    );
  });
  afterEach(() => bench.atRest());
  afterAll(() => bench.close());

  it('answers at the deadline while the body still comes, takes no token, and closes the connection', async () => {
    const client = await RawClient.to(bench.port);
    client.write('POST /one HTTP/1.1', 'Host: test', 'Content-Type: application/json', 'Content-Length: 9', '', '{"a"');
    await client.closed();
    expect(client.received).toContain('503 Service Unavailable');
    expect(client.received).toContain('"code":"deadline_expired","outcome":"not_started"');
    expect(bench.stats('one').shedByCode.deadline_expired).toBe(1);
    expect(bench.stats('one').admitted).toBe(0);
    await bench.request.post('/one').send({}).expect(200).expect('RateLimit', /r=1/);
  });

  it('does not wait for a body that is whole in time', async () => {
    const answer = await bench.request.post('/one').send({ a: 1 });
    expect(answer.status).toBe(200);
    expect(bench.stats('one').outcomes).toMatchObject({ succeeded: 2, expired: 0 });
  });

  it('swallows a write after the end, which would otherwise end the process', async () => {
    const { lateWrites } = bench.stats('writes');
    act = (_req, res) => {
      res.end('whole');
      res.write('more');
    };
    const answer = await bench.request.get('/writes');
    expect(answer.text).toBe('whole');
    await until(() => bench.stats('writes').lateWrites === lateWrites + 1);
  });
});
