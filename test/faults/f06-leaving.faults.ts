import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { failures } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { expectRefusedAtOnce, expectSoonServed, PATIENT, underLoad } from './outage.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F6 and F12: the server wants to end and waits for its sessions; and a server that is away for long.

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop(PATIENT);
});
afterEach(() => shop.expectAtRest());
afterAll(() => shop.close());

describeFault('F6: the server shuts down when its last session has ended', () => {
  it(
    'has all of them ended as soon as one pool wants another; what runs goes on, and nobody fails',
    NOISE,
    async () => {
      let answered: unknown;
      let stoppedMs = 0;
      const met = await underLoad(shop, 3_000, async () => {
        const working = shop.run('salesReport', (handle) => handle.query('SELECT 7 AS seven, pg_sleep(0.4)'));
        await until(() => shop.pool('reports').gauges().inUse === 1);
        const beganMs = performance.now();
        const stopped = shop.postgres.stop('smart');
        // Reports need no connection beyond those that are open; the pool of the others has nothing to do with it.
        const more = [0, 1].map(() => shop.run('salesReport', (handle) => handle.query('SELECT pg_sleep(0.2)')));
        await until(() => shop.pool('admin').state === 'down');
        const downAtMs = Date.now();
        await until(() => shop.postgres.pid === undefined);
      await stopped;
        stoppedMs = performance.now() - beganMs;
        answered = await working;
        await lasts(200);
        await shop.postgres.start();
        const acceptsAtMs = Date.now();
        await Promise.all(more);
        return { downAtMs, acceptsAtMs };
      });
      expect(answered).toMatchObject({ rows: [{ seven: 7 }] });
      // The report of 400 ms, and no session that idles.
      expect(stoppedMs).toBeLessThan(900);
      expect(failures(met.checkouts)).toEqual({});
      expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs);
      expectSoonServed(met);
    },
  );
});
