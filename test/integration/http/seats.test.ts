import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { until } from '../pools/pool-fixture.js';
import { FRAMEWORKS, latch } from './harness.js';
import { OneSeat } from './one-seat.js';
import { RawClient } from './raw-client.js';

describe.each(FRAMEWORKS)('seats, on %s', (name, express) => {
  const stand = OneSeat.duringTests(express);
  // Express 4 hears of rejections only through the handler form of the guard.
  const bare = name === 'Express 5' ? '/bare' : '/one';

  describe('their end', () => {
    it('is not before the connection is idle, although the answer is out', async () => {
      const released = latch();
      stand.act = async (req, res) => {
        const client = await req.sluice.connect();
        res.json({});
        await released.promise;
        client.release();
      };
      await stand.bench.request.get('/one').expect(200);
      expect(stand.seats?.inFlight).toBe(1);
      released.open();
      await until(() => stand.seats?.inFlight === 0);
    });

    it('is not before the answer is complete, although the connection is idle', async () => {
      const answered = latch();
      const queried = latch();
      stand.act = async (req, res) => {
        await req.sluice.query('SELECT 1');
        queried.open();
        await answered.promise;
        res.json({});
      };
      const answer = stand.bench.request.get('/one').then(({ status }) => status);
      await queried.promise;
      expect(stand.seats?.inFlight).toBe(1);
      expect(stand.bench.gateway.entry('one').runtime.pool?.pool.gauges().inUse).toBe(0);
      answered.open();
      expect(await answer).toBe(200);
      await until(() => stand.seats?.inFlight === 0);
    });

    it('does not wait for a slow reader of a large answer', async () => {
      const size = 64 * 1_024 * 1_024;
      const { ended } = stand.bench.stats('one');
      stand.act = async (req, res) => {
        await req.sluice.query('SELECT 1');
        res.end(Buffer.alloc(size, 'x'));
      };
      const slow = await RawClient.sends(stand.bench.port, 'GET', '/one');
      slow.socket.pause();
      await until(() => stand.bench.stats('one').ended === ended + 1);
      // The answer is still on its way to it, and somebody else has the seat.
      stand.act = (_req, res) => res.json({});
      await stand.bench.request.get('/one').expect(200);
      expect(slow.socket.bytesRead).toBeLessThan(size);
      slow.leave();
    });

    it('goes to the queued at once', async () => {
      const gate = latch();
      stand.act = async (_req, res) => {
        await gate.promise;
        res.json({});
      };
      const answers = [1, 2, 3].map(() => stand.bench.request.get('/one').then(({ status }) => status));
      await until(() => stand.seats?.queued === 2);
      expect(stand.seats?.inFlight).toBe(1);
      gate.open();
      expect(await Promise.all(answers)).toEqual([200, 200, 200]);
    });
  });

  it(`a client that leaves: a rejection that follows bothers no error handler (${bare})`, async () => {
    stand.act = async (req, res) => res.json(await req.sluice.query('SELECT pg_sleep(10)'));
    const client = await RawClient.sends(stand.bench.port, 'GET', bare);
    await until(async () => (await stand.bench.running()).length === 1);
    client.leave();
    await until(() => stand.bench.stats('one').inFlight === 0);
  });

  it('a client that leaves does not keep a real error from the error handlers', async () => {
    stand.act = async (req, res) => {
      const left = once(res, 'close');
      await req.sluice.query('SELECT 1');
      await left;
      throw new Error('a mistake of the handler');
    };
    const client = await RawClient.sends(stand.bench.port, 'GET', '/kept');
    await until(() => stand.bench.stats('kept').inFlight === 1);
    client.leave();
    await until(() => stand.bench.stats('kept').outcomes.abandoned === 1);
    expect(stand.bench.unexpected.splice(0)).toEqual([new Error('a mistake of the handler')]);
  });

  it('a client that leaves: a handler that hands its signal on bothers no error handler', async () => {
    const { ended } = stand.bench.stats('one');
    stand.act = async (req) => {
      await delay(60_000, undefined, { signal: req.sluice.signal });
    };
    const client = await RawClient.sends(stand.bench.port, 'GET', '/one');
    await until(() => stand.bench.stats('one').inFlight === 1);
    client.leave();
    await until(() => stand.bench.stats('one').ended === ended + 1);
  });
});
