import type { Request, Response } from 'express';
import { protect } from 'sluice/express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/postgres.js';
import { ask, until } from '../pools/pool-fixture.js';
import { type Bench, latch, serve } from './harness.js';
import { RawClient } from './raw-client.js';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: 'off' } });
});
afterAll(() => postgres.close());

describe.each(['observe', 'off'] as const)('mode %s', (mode) => {
  let bench: Bench;
  let act: (req: Request, res: Response) => unknown;

  beforeAll(async () => {
    bench = await serve(
      {
        url: postgres.url,
        gateway: { mode },
        pools: { main: { max: 1, breakerMinimumCalls: 1, breakerErrorPercent: 1 } },
        routes: {
          narrow: { pool: 'main', ratePerSecond: 1, burst: 1, deadlineMs: 100, maxQueued: 0 },
          important: { pool: 'main', priority: 'critical', deadlineMs: 100 },
        },
      },
      (app, gateway) => {
        for (const route of ['narrow', 'important']) {
          app.get(
            `/${route}`,
            protect(gateway, route, {}, (req, res) => act(req, res)),
          );
        }
      },
    );
  });
  afterEach(async () => {
    await bench.atRest();
    expect(bench.unexpected).toEqual([]);
  });
  afterAll(() => bench.close());

  it('refuses nothing, whatever rate, queue and deadline say', async () => {
    act = async (req, res) => {
      await req.sluice.query('SELECT pg_sleep(0.05)');
      res.json({ leftMs: String(req.sluice.timeLeftMs()) });
    };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => bench.request.get('/narrow').set('X-Request-Timeout-Ms', '1')),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(answers[0]?.body).toEqual({ leftMs: 'Infinity' });
    expect(bench.stats('narrow')).toMatchObject({ shed: 0, admitted: 8 });
    expect(answers[0]?.headers['ratelimit-policy']).toBeUndefined();
  });

  it('sets no limit on the server', async () => {
    act = async (req, res) => {
      const text = "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'";
      const outside = await req.sluice.query<{ setting: string }>(text);
      const inside = await req.sluice.transaction((client) => client.query<{ setting: string }>(text));
      res.json([outside.rows[0]?.setting, inside.rows[0]?.setting]);
    };
    expect((await bench.request.get('/narrow')).body).toEqual(['0', '0']);
  });

  it('connections are waited for first come first served, whatever the class', async () => {
    const order: string[] = [];
    const hold = latch();
    const pool = bench.gateway.entry('narrow').runtime.pool?.pool;
    act = async (req, res) => {
      const client = await req.sluice.connect();
      order.push(req.sluice.route);
      if (order.length === 1) await hold.promise;
      client.release();
      res.json({});
    };
    const answers = [bench.request.get('/narrow').then(({ status }) => status)];
    await until(() => order.length === 1);
    answers.push(bench.request.get('/narrow').then(({ status }) => status));
    await until(() => pool?.gauges().acquiring === 1);
    answers.push(bench.request.get('/important').then(({ status }) => status));
    await until(() => pool?.gauges().acquiring === 2);
    hold.open();
    expect(await Promise.all(answers)).toEqual([200, 200, 200]);
    expect(order).toEqual(['narrow', 'narrow', 'important']);
  });

  it('a client that leaves still ends its statement', async () => {
    act = (req) => req.sluice.query('SELECT pg_sleep(20)').catch(() => undefined);
    const client = await RawClient.sends(bench.port, 'GET', '/narrow');
    await until(async () => (await bench.running()).length === 1);
    client.leave();
    await until(async () => (await bench.running()).length === 0);
  });

  it('a client that leaves does not wait for its turn at a connection for ever', async () => {
    const hold = latch();
    let borrowed = 0;
    const pool = bench.gateway.entry('narrow').runtime.pool?.pool;
    act = async (req, res) => {
      const client = await req.sluice.connect();
      borrowed += 1;
      await hold.promise;
      client.release();
      res.json({});
    };
    const first = bench.request.get('/narrow').then(({ status }) => status);
    await until(() => borrowed === 1);
    act = (req) => req.sluice.query('SELECT 1').catch(() => undefined);
    const client = await RawClient.sends(bench.port, 'GET', '/narrow');
    await until(() => pool?.gauges().acquiring === 1);
    client.leave();
    hold.open();
    expect(await first).toBe(200);
  });

  it('a limit of the server itself is no deadline of ours', async () => {
    await ask(postgres.url, "ALTER ROLE postgres SET statement_timeout = '50ms'");
    const limited = await serve(
      { url: postgres.url, gateway: { mode }, pools: { main: { max: 1 } }, routes: { slow: { pool: 'main' } } },
      (app, gateway) => {
        app.get(
          '/slow',
          protect(gateway, 'slow', {}, async (req, res) => {
            const code = await req.sluice.query('SELECT pg_sleep(5)').catch((error: { code: string }) => error.code);
            res.json({ code });
          }),
        );
      },
    );
    expect((await limited.request.get('/slow')).body).toEqual({ code: '57014' });
    await limited.atRest();
    await limited.close();
    await ask(postgres.url, 'ALTER ROLE postgres RESET statement_timeout');
  });

  it(mode === 'observe' ? 'counts what it would have shed' : 'counts nothing of the kind', () => {
    const { rate_limited } = bench.stats('narrow').wouldShedByCode;
    if (mode === 'observe') expect(rate_limited).toBeGreaterThan(5);
    else expect(rate_limited).toBe(0);
  });
});
