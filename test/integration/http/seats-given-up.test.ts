import type { Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { FRAMEWORKS, type Latch, latch } from './harness.js';
import { OneSeat } from './one-seat.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('seats given up, and work inside work, on %s', (_name, express) => {
  const stand = OneSeat.duringTests(express);

  describe('outside()', () => {
    it('gives the seat up for its time, and comes back before the others of its class', async () => {
      const order: string[] = [];
      const errand = latch();
      const stay = latch();
      const acts = [
        async (req: Request, res: Response) => {
          await req.sluice.outside(() => errand.promise);
          order.push('first is back');
          await req.sluice.query('SELECT 1');
          res.json({});
        },
        async (_req: Request, res: Response) => {
          order.push('second');
          await stay.promise;
          res.json({});
        },
        async (_req: Request, res: Response) => {
          order.push('third');
          res.json({});
        },
      ];
      stand.act = (req, res) => acts.shift()?.(req, res);
      const answers = [1, 2, 3].map(() => stand.bench.request.get('/one').then(({ status }) => status));
      await until(() => order.includes('second') && stand.seats?.queued === 1);
      expect(stand.seats?.inFlight).toBe(1);
      errand.open();
      await until(() => stand.seats?.queued === 2);
      stay.open();
      expect(await Promise.all(answers)).toEqual([200, 200, 200]);
      expect(order).toEqual(['second', 'first is back', 'third']);
    });

    it('needs every connection to be back', async () => {
      stand.act = async (req, res) => {
        const client = await req.sluice.connect();
        const error = await req.sluice.outside(async () => 1).catch((reason: Error) => reason.message);
        client.release();
        res.json({ error });
      };
      expect((await stand.bench.request.get('/one')).body.error).toMatch(/given back first/);
    });

    it('refuses a second one inside the first', async () => {
      stand.act = async (req, res) => {
        const error = await req.sluice
          .outside(() => req.sluice.outside(async () => 1))
          .catch((reason: Error) => reason.message);
        res.json({ error });
      };
      expect((await stand.bench.request.get('/one')).body.error).toMatch(/holds its seat/);
    });

    it('passes on what the work throws, and has its seat again', async () => {
      stand.act = async (req, res) => {
        const error = await req.sluice
          .outside(async () => {
            throw new Error('elsewhere');
          })
          .catch((reason: Error) => reason.message);
        res.json({ error, rows: (await req.sluice.query('SELECT 1 AS one')).rows });
      };
      expect((await stand.bench.request.get('/one')).body).toEqual({ error: 'elsewhere', rows: [{ one: 1 }] });
    });

    it('ends with the client', async () => {
      const away = latch();
      const errand = latch();
      const told: Latch<unknown> = latch<unknown>();
      stand.act = async (req) => {
        await req.sluice.outside(async () => {
          away.open();
          await errand.promise;
        });
        await req.sluice.query('SELECT 1').catch(told.open);
      };
      const client = await RawClient.sends(stand.bench.port, 'GET', '/one');
      await away.promise;
      client.leave();
      await until(() => stand.bench.stats('one').inFlight === 0);
      errand.open();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
    });

    it('ends with the client also while it waits to come back', async () => {
      const errand = latch();
      const stay = latch();
      const done = latch();
      const acts = [
        async (req: Request) => {
          await req.sluice.outside(() => errand.promise);
          done.open();
        },
        async (_req: Request, res: Response) => {
          errand.open();
          await stay.promise;
          res.json({});
        },
      ];
      stand.act = (req, res) => acts.shift()?.(req, res);
      const client = await RawClient.sends(stand.bench.port, 'GET', '/one');
      await until(() => acts.length === 1);
      const second = stand.bench.request.get('/one').then(({ status }) => status);
      await until(() => stand.seats?.queued === 1);
      client.leave();
      await done.promise;
      expect(stand.seats?.queued).toBe(0);
      stay.open();
      expect(await second).toBe(200);
    });
  });

  describe('work inside work', () => {
    it('on the same pool is refused at once: it could wait for itself', async () => {
      stand.act = async (req, res) => {
        const error = await req.sluice.run('urgent', async () => 1).catch((reason: Error) => reason.message);
        res.json({ error });
      };
      const { body } = await stand.bench.request.get('/one');
      expect(body.error).toMatch(/route "urgent" was run inside a request that holds a seat of the same pool "main"/);
    });

    it('on another pool runs, within the time left', async () => {
      stand.act = async (req, res) => {
        const inner = await req.sluice.run('elsewhere', async (handle) => ({
          rows: (await handle.query('SELECT 2 AS two')).rows,
          leftMs: handle.timeLeftMs(),
        }));
        res.json({ inner, outerLeftMs: req.sluice.timeLeftMs() });
      };
      const { body } = await stand.bench.request.get('/one').set('X-Request-Timeout-Ms', '1500');
      expect(body.inner.rows).toEqual([{ two: 2 }]);
      expect(body.inner.leftMs).toBeLessThanOrEqual(1_500);
      expect(body.inner.leftMs).toBeGreaterThan(500);
    });

    it('ends with the request around it', async () => {
      const told: Latch<unknown> = latch<unknown>();
      stand.act = (req) =>
        req.sluice.run('elsewhere', (handle) => handle.query('SELECT pg_sleep(20)')).catch(told.open);
      const client = await RawClient.sends(stand.bench.port, 'GET', '/one');
      await until(async () => (await stand.bench.running()).length === 1);
      client.leave();
      expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
      await until(async () => (await stand.bench.running()).length === 0);
    });

    it('on no pool is not in its way', async () => {
      stand.act = async (req, res) => res.json({ inner: await req.sluice.run('free', async (handle) => handle.route) });
      expect((await stand.bench.request.get('/one')).body).toEqual({ inner: 'free' });
    });

    it('names the routes when there is no such route', async () => {
      stand.act = async (req, res) => {
        const error = await Promise.resolve()
          .then(() => req.sluice.run('nowhere', async () => 1))
          .catch((reason: Error) => `${reason.name}: ${reason.message}`);
        res.json({ error });
      };
      expect((await stand.bench.request.get('/one')).body.error).toMatch(/RangeError: no route "nowhere".*"elsewhere"/);
    });
  });
});
