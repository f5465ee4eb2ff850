import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamPlan } from '../load/plan.js';
import { type Call, checkoutStream, failures } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { until } from './until.js';

// F63: the lowest class holds every seat that it can get, with work that takes long, when a higher class arrives.

const REPORT_MS = 800;
const SEATS = 4;

let shop: FaultShop;

beforeAll(async () => {
  shop = await startFaultShop({
    checkoutWorkMs: 20,
    reportWorkMs: REPORT_MS,
    env: {
      SLUICE_POOL_CHECKOUT_MAX: String(SEATS),
      SLUICE_ROUTE_SALES_REPORT_POOL: 'checkout',
      SLUICE_ROUTE_SALES_REPORT_DEADLINE_MS: '6000',
      SLUICE_ROUTE_ADMIN_ORDER_POOL: 'checkout',
    },
  });
});
afterAll(() => shop.close());

/** Far more reports than fit, by callers who wait for them. */
function reports(toMs: number): StreamPlan {
  const arrivals = { kind: 'uniform', ratePerSecond: 10, toMs } as const;
  const patience = { deadlineMs: 6_000, unansweredAfterMs: 15_000 };
  return { name: 'report', method: 'GET', path: '/reports/sales?days=1', arrivals, ...patience };
}

/** Waits until reports have all seats that they may have, and more of them are queued. */
function flooded(): Promise<void> {
  return until(() => {
    const pool = [...shop.gateway.telemetry().pools()].find(({ name }) => name === 'checkout');
    if (pool === undefined) throw new Error('the shop has a pool for checkouts');
    const { inFlight, limit, headroom, queuedByClass } = pool.seats;
    return inFlight >= limit - headroom && (queuedByClass[3] ?? 0) > 0;
  });
}

/** Reports that ended while a call was on its way. */
function endedMeanwhile(call: Call, others: readonly Call[]): number {
  return others.filter(
    ({ status, endedAtMs }) => status === 200 && endedAtMs > call.sentAtMs && endedAtMs < call.endedAtMs,
  ).length;
}

describe('F63: reports hold the seats that others need', () => {
  it('a critical one finds a seat that was kept for it, the first one too', NOISE, async () => {
    const loading = shop.load(4_500, [
      reports(3_500),
      // One after another, the first when reports have been there for a second, so that nothing is known of checkouts.
      checkoutStream('checkout', 4, { arrivals: { kind: 'uniform', ratePerSecond: 4, fromMs: 1_300, toMs: 4_000 } }),
    ]);
    await flooded();
    const { of } = await loading;
    const checkouts = of('checkout');
    expect(checkouts.length).toBeGreaterThan(8);
    expect(failures(checkouts)).toEqual({});
    // Nobody had to wait for a report to end: that would have taken most of its 0.8 s on average.
    const waited = checkouts.filter((call) => call.latencyMs > REPORT_MS / 2);
    expect(waited).toEqual([]);
    // Which is worth something only because reports kept all other seats busy.
    const served = of('report').filter(({ status }) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(SEATS);
    await shop.expectAtRest();
  });

  it('one of the class between gets the first seat that comes free', NOISE, async () => {
    const read = { name: 'order', method: 'GET', path: '/admin/orders/{{int 1 1000}}' };
    const arrivals = { kind: 'uniform', ratePerSecond: 1, fromMs: 1_500, toMs: 5_500 } as const;
    const loading = shop.load(6_000, [
      reports(5_500),
      { ...read, arrivals, deadlineMs: 2_000, unansweredAfterMs: 10_000 },
    ]);
    await flooded();
    const { of } = await loading;
    const orders = of('order');
    expect(orders.length).toBeGreaterThanOrEqual(3);
    expect(failures(orders)).toEqual({});
    // The seat of the first report that ends is theirs; another may end before the answer is read.
    for (const order of orders) expect(endedMeanwhile(order, of('report'))).toBeLessThanOrEqual(2);
    expect(Math.max(...orders.map(({ latencyMs }) => latencyMs))).toBeLessThan(1.5 * REPORT_MS);
    await shop.expectAtRest();
  });
});
