import type { Request, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { FRAMEWORKS, type Latch, latch } from './harness.js';
import { OneSeat } from './one-seat.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('stream: true, on %s', (_name, express) => {
  const stand = OneSeat.duringTests(express);

  /** Somebody else has the one seat, until told to leave. */
  const takesTheSeat = async () => {
    const busy = latch();
    stand.act = async (_req, res) => {
      await busy.promise;
      res.json({});
    };
    const status = stand.bench.request.get('/one').then((answer) => answer.status);
    await until(() => stand.seats?.inFlight === 1);
    return {
      leaves: async () => {
        busy.open();
        expect(await status).toBe(200);
      },
    };
  };

  const endless = (text: string) => async (req: Request, res: Response) => {
    res.type('text/plain').write(text);
    await req.sluice.query('SELECT pg_sleep(0.6)');
    await req.sluice.query('SELECT pg_sleep(0.1)');
    res.end(' and done');
  };

  it('ends the deadline at the first byte, for the statements that follow as well', async () => {
    stand.act = endless('begun');
    const answer = await stand.bench.request.get('/streamed');
    expect([answer.status, answer.text]).toEqual([200, 'begun and done']);
  });

  it('tells the handler so', async () => {
    let left: number[] = [];
    stand.act = (req, res) => {
      left = [req.sluice.timeLeftMs()];
      res.write('begun');
      left.push(req.sluice.timeLeftMs());
      res.end();
    };
    await stand.bench.request.get('/streamed').expect(200);
    expect(left[0]).toBeLessThanOrEqual(400);
    expect(left[1]).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not help a handler that never begins', async () => {
    stand.act = () => undefined;
    await stand.bench.request.get('/silent').expect(504);
  });

  it('gives the seat to somebody else after the deadline, while the database has nothing to do for it', async () => {
    const read = latch();
    const end = latch();
    stand.act = async (req, res) => {
      await req.sluice.query('SELECT 1');
      res.write('begun');
      await read.promise;
      // Both ask for one seat, and neither before there is one.
      const [{ rows }] = await Promise.all([req.sluice.query('SELECT 2 AS two'), req.sluice.query('SELECT 3')]);
      await end.promise;
      res.end(JSON.stringify(rows));
    };
    const client = await RawClient.sends(stand.bench.port, 'GET', '/streamed');
    await until(() => client.received.includes('begun'));
    expect(stand.seats?.inFlight).toBe(1);
    await until(() => stand.seats?.inFlight === 0);
    const streams = stand.act;
    const other = await takesTheSeat();
    read.open();
    await until(() => stand.seats?.queued === 1);
    await other.leaves();
    // It has what it asked for, and rests again.
    await until(() => stand.seats?.queued === 0 && stand.seats?.inFlight === 0);
    end.open();
    await until(() => client.received.includes('{"two":2}'));
    stand.act = streams;
    await until(() => stand.bench.stats('streamed').inFlight === 0);
    expect(stand.bench.stats('streamed').outcomes.expired).toBe(0);
    client.leave();
  });

  it('ends where its client leaves while it waits for a seat again', async () => {
    const read = latch();
    const told: Latch<unknown> = latch<unknown>();
    stand.act = async (req, res) => {
      res.write('begun');
      await read.promise;
      await req.sluice.query('SELECT 1').catch(told.open);
    };
    const client = await RawClient.sends(stand.bench.port, 'GET', '/streamed');
    await until(() => client.received.includes('begun') && stand.seats?.inFlight === 0);
    const other = await takesTheSeat();
    read.open();
    await until(() => stand.seats?.queued === 1);
    client.leave();
    expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
    expect(stand.seats?.queued).toBe(0);
    await other.leaves();
  });

  it('without it an answer that has begun is cut off at the deadline', async () => {
    stand.act = (req, res) => endless('begun')(req, res).catch(() => undefined);
    await expect(stand.bench.request.get('/impatient')).rejects.toThrow(/aborted|socket hang up/);
    await until(() => stand.bench.stats('impatient').outcomes.expired === 1);
  });

  it('ends with its client', async () => {
    const told: Latch<unknown> = latch<unknown>();
    stand.act = async (req, res) => {
      res.write('begun');
      await req.sluice.query('SELECT pg_sleep(20)').catch(told.open);
    };
    const client = await RawClient.sends(stand.bench.port, 'GET', '/streamed');
    await until(() => client.received.includes('begun'));
    client.leave();
    expect(await told.promise).toMatchObject({ name: 'ClientGoneError' });
  });
});
