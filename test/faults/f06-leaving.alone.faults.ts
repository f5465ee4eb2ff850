import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { failures, latencyAt, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { allDown, expectRefusedAtOnce, expectSoonServed, LASTING, MARKS, underLoad } from './outage.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F6 and F12: the server wants to end and waits for its sessions; and a server that is away for long.

/** How long checkouts wait for a server that is away. */
const RIDE_OUT_MS = 1_000;

let shop: FaultShop;

beforeAll(async () => {
  const env = { ...LASTING.env, SLUICE_POOL_CHECKOUT_RIDE_OUT_MS: String(RIDE_OUT_MS) };
  shop = await startFaultShop({ ...LASTING, env });
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
      const met = await underLoad(shop, async () => {
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
      expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs, met.noiseMs);
      expectSoonServed(met);
    },
  );
});

describeFault('F12: the server is away for longer than anybody waits for it', () => {
  it('is knocked for by one at a time; who waits is told in time, who comes later at once', NOISE, async () => {
    const failed = (): number => shop.pool('checkout').gauges().connectFailures;
    let knocks = 0;
    let most = 0;
    const met = await underLoad(shop, async () => {
      await shop.postgres.stop();
      const downAtMs = await allDown(shop);
      const before = failed();
      await until(() => {
        most = Math.max(most, ...[...shop.gateway.telemetry().pools()].map((pool) => pool.gauges().connecting));
        return Date.now() - downAtMs > RIDE_OUT_MS + 700;
      });
      knocks = failed() - before;
      await shop.postgres.start();
      return { downAtMs, acceptsAtMs: Date.now() };
    });
    const { checkouts, products, downMs, acceptsMs, noiseMs } = met;
    // Later ones may wait: reads are worth two seconds of an outage, and the end of these is within their deadline.
    expectRefusedAtOnce(products, downMs, downMs + 1_400, noiseMs);
    // A backlog at the end of the outage would take time as well, so the last of them are refused a little earlier.
    const patient = sentBetween(checkouts, downMs, downMs + RIDE_OUT_MS / 2);
    expect(patient.length).toBeGreaterThan(10);
    expect(failures(patient)).toEqual({ '503 database_unavailable': patient.length });
    const overshoot = patient.map((call) => ({ ...call, latencyMs: call.endedAtMs - downMs - RIDE_OUT_MS }));
    expect(latencyAt(overshoot, 0.99)).toBeLessThanOrEqual(MARKS.overshootMs + noiseMs);
    expect(latencyAt(overshoot, 0.01)).toBeGreaterThanOrEqual(-MARKS.overshootMs - noiseMs);
    expectRefusedAtOnce(checkouts, downMs + RIDE_OUT_MS, acceptsMs, noiseMs);
    // 20, 40, 80, 160 and then 250 ms, each shortened by up to a half.
    expect(most).toBe(1);
    expect(knocks).toBeGreaterThanOrEqual(4);
    expect(knocks).toBeLessThanOrEqual(5 + (RIDE_OUT_MS + 700) / 125);
    expectSoonServed(met);
  });
});
