import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkoutStream, failures, latencyAt } from './calls.js';
import { type FaultShop, NOISE } from './fault-shop.js';
import {
  allDown,
  expectAnsweredInTime,
  expectOnlyInFlightLost,
  expectRefusedAtOnce,
  expectSoonServed,
  LASTING,
  products,
  underLoad,
} from './outage.js';
import { type PooledShop, startPooledShop } from './pooled-shop.js';
import { describeFault } from './repetitions.js';
import { lasts, until } from './until.js';

// F32 to F34: a pooler in transaction mode between the shop and its server, and what becomes of either.

let pooled: PooledShop;
let shop: FaultShop;

/** For what a command leaves behind to be met. */
const AFTERWARDS_MS = 700;
const OFTEN = 'RECONNECT five times in a second';
const CALMLY = [
  ['PAUSE, a restart of the server and RESUME', async () => await plannedRestart()],
  ['PAUSE for much longer than any checkout takes, and RESUME', async () => await pause(1_200)],
  ['RECONNECT', async () => void (await pooled.pooler.admin('RECONNECT'))],
  // Also of sessions that it is just opening: then it sends its waiting clients away.
  [OFTEN, async () => await reconnectOften()],
  ['RELOAD', async () => void (await pooled.pooler.admin('RELOAD'))],
] as const;

async function pause(forMs: number): Promise<void> {
  await pooled.pooler.admin('PAUSE');
  await lasts(forMs);
  await pooled.pooler.admin('RESUME');
}

async function reconnectOften(): Promise<void> {
  for (let time = 0; time < 5; time += 1) {
    await pooled.pooler.admin('RECONNECT');
    await lasts(200);
  }
}

async function plannedRestart(): Promise<void> {
  await pooled.pooler.admin('PAUSE');
  await shop.postgres.restart();
  await pooled.pooler.admin('RESUME');
}

// For each repetition anew: only so much standing still is waited out in a while.
describeFault('F32 to F34: a pooler, or the server behind it, goes away', () => {
  beforeAll(async () => {
    pooled = await startPooledShop(LASTING);
    ({ shop } = pooled);
  });
  afterEach(() => shop.expectAtRest());
  afterAll(() => pooled.close());

  for (const [title, how] of [
    ['F32: the pooler is stopped and started', 'orderly'],
    ['F32: the pooler crashes', 'crash'],
  ] as const) {
    describe(title, () => {
      it('costs who is in flight, once; who can wait does, and who cannot is told at once', NOISE, async () => {
        const met = await underLoad(shop, async () => {
          await pooled.pooler.stop(how);
          const downAtMs = await allDown(shop);
          await lasts(400);
          await pooled.pooler.start();
          return { downAtMs, acceptsAtMs: Date.now() };
        });
        expectOnlyInFlightLost(met);
        expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs, met.noiseMs);
        expectSoonServed(met);
      });
    });
  }

  describe('F33: the server behind the pooler restarts', () => {
    it('is found although the pooler says nothing, and costs who is in flight', NOISE, async () => {
      const met = await underLoad(shop, async () => {
        await shop.postgres.stop('fast');
        const downAtMs = await allDown(shop);
        await lasts(400);
        await shop.postgres.start();
        return { downAtMs, acceptsAtMs: Date.now() };
      });
      expectAnsweredInTime(met.checkouts, 4_000, met.noiseMs);
      expectAnsweredInTime(met.products, 500, met.noiseMs);
      expectRefusedAtOnce(met.products, met.downMs, met.acceptsMs, met.noiseMs);
      expectSoonServed(met);
    });
  });

  for (const [title, strike] of CALMLY) {
    describe(`F34: ${title}`, () => {
      it('costs nobody anything but time', NOISE, async () => {
        const { ended } = shop.stats('checkout');
        const lost = shop.pool('checkout').gauges().lost;
        let tookMs = 0;
        const struck = (async () => {
          await until(() => shop.stats('checkout').ended - ended >= 20);
          const from = performance.now();
          await strike();
          tookMs = performance.now() - from;
          await lasts(AFTERWARDS_MS);
        })();
        const loading = shop.load(30_000, [checkoutStream('checkout', 60), products], struck);
        await struck;
        const { of, noiseMs } = await loading;
        expect(failures(of('checkout'))).toEqual({});
        // A read has half a second for everything, and a restart may take that long by itself.
        if (tookMs < 300) expect(failures(of('product'))).toEqual({});
        expect(latencyAt(of('checkout'), 1)).toBeLessThan(tookMs + 500 + noiseMs);
        if (title !== OFTEN) expect(shop.pool('checkout').gauges().lost).toBe(lost);
      });
    });
  }
});
