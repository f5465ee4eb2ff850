import { afterEach, describe, expect, it } from 'vitest';
import { type Call, checkoutStream, failures, sentBetween } from './calls.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { until } from './until.js';

// F46: something in the process keeps the event loop busy, so that answers of the database lie unread while time passes.
// Afterwards they are read first, and only then is it judged whose time is over.

interface Stall {
  /** In milliseconds from the start of the load. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Checkouts that had a seat when it began. */
  readonly inFlight: number;
}

let shop: FaultShop;

afterEach(() => shop.close());

/** Keeps the loop busy for so long, as a handler does that computes. */
function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** Loads the shop with checkouts, and stalls it now and then while some are in flight and none is queued. */
async function stalled(
  perSecond: number,
  lengthsMs: readonly number[],
): Promise<{ readonly calls: readonly Call[]; readonly stalls: readonly Stall[] }> {
  const checkout = shop.stats('checkout');
  const runMs = lengthsMs.reduce((sum, ms) => sum + ms + 1_200, 1_000);
  const loading = shop.load(runMs, [checkoutStream('checkout', perSecond)]);
  const stalls: (Stall & { readonly epochMs: number })[] = [];
  for (const ms of lengthsMs) {
    const before = checkout.ended;
    // Not before the first answers came, and not into the backlog of the stall before.
    await until(() => checkout.ended - before >= 10 && checkout.inFlight >= 2 && checkout.inFlight <= 6);
    const { inFlight } = checkout;
    const epochMs = Date.now();
    block(ms);
    stalls.push({ inFlight, epochMs, fromMs: 0, toMs: Date.now() - epochMs });
    await until(() => shop.queued() === 0 && checkout.inFlight <= 3);
  }
  const { result, of } = await loading;
  return {
    calls: of('checkout'),
    stalls: stalls.map(({ inFlight, epochMs, toMs }) => {
      const fromMs = epochMs - result.startedAtEpochMs;
      return { inFlight, fromMs, toMs: fromMs + toMs };
    }),
  };
}

/** No pool was thought to be down, no circuit opened, no connection given up. */
function expectDatabaseTrusted(): void {
  const states = [...shop.gateway.telemetry().pools()].map(({ name, state, breaker, gauges }) => {
    const { lost, connectFailures, cancels } = gauges();
    return { name, state, breaker, lost, connectFailures, cancels };
  });
  const fine = { state: 'up', breaker: 'closed', lost: 0, connectFailures: 0, cancels: 0 };
  expect(states).toEqual(states.map(({ name }) => ({ name, ...fine })));
  expect(shop.log.entries).toEqual([]);
}

describe('F46: the event loop stands still', () => {
  it('for less than a deadline: nothing fails, and nothing is thought ill of the database', NOISE, async () => {
    const env = { SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '4000' };
    shop = await startFaultShop({ checkoutWorkMs: 20, env });
    const { calls, stalls } = await stalled(40, [400, 2_000]);
    for (const { inFlight } of stalls) expect(inFlight).toBeGreaterThanOrEqual(2);
    // The stalls really were some: what arrived early in the last one waited for its end.
    expect(Math.max(...calls.map(({ latencyMs }) => latencyMs))).toBeGreaterThan(1_500);
    // The 80 that come at once after it are a tenth of a second's work, and all of them have two seconds left.
    expect(failures(calls)).toEqual({});
    expectDatabaseTrusted();
    await shop.expectAtRest();
  });

  it(
    'for longer than a deadline: who came too early for it is told so, and who comes later notices nothing',
    NOISE,
    async () => {
      shop = await startFaultShop({ checkoutWorkMs: 20 });
      const { calls, stalls } = await stalled(30, [400, 1_200]);
      const [short, long] = stalls;
      if (short === undefined || long === undefined) throw new Error('there were two stalls');
      // Shorter than the deadline: who was in flight had its answer waiting, and is served.
      const caught = calls.filter(({ sentAtMs, endedAtMs }) => sentAtMs < short.fromMs && endedAtMs > short.fromMs);
      expect(caught.length).toBeGreaterThanOrEqual(short.inFlight);
      expect(failures(caught)).toEqual({});
      // Longer: nobody waits any more for those from its beginning. They are told something, and that is why.
      const hopeless = sentBetween(calls, long.fromMs, long.toMs - 700);
      expect(hopeless.length).toBeGreaterThan(5);
      const codes = Object.keys(failures(calls)).map((key) => key.slice(4));
      expect(
        codes.filter((code) => !['deadline_expired', 'deadline_unreachable', 'queue_full'].includes(code)),
      ).toEqual([]);
      const later = sentBetween(calls, long.toMs + 300);
      expect(later.length).toBeGreaterThan(10);
      expect(failures(later)).toEqual({});
      for (const { state, breaker } of shop.gateway.telemetry().pools()) {
        expect({ state, breaker }).toEqual({ state: 'up', breaker: 'closed' });
      }
      await shop.expectAtRest();
    },
  );

  it('for longer than a connection attempt may take: the server is not thought to be down', NOISE, async () => {
    const env = { SLUICE_POOL_CHECKOUT_CONNECT_TIMEOUT_MS: '1000', SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '4000' };
    shop = await startFaultShop({ checkoutWorkMs: 20, env });
    const pool = [...shop.gateway.telemetry().pools()].find(({ name }) => name === 'checkout');
    if (pool === undefined) throw new Error('the shop has a pool for checkouts');
    // Far more than the few connections of a quiet pool can do, so that it opens more.
    const loading = shop.load(2_400, [checkoutStream('checkout', 200)]);
    await until(() => pool.gauges().connecting > 0);
    block(1_400);
    const { of } = await loading;
    expect(of('checkout').length).toBeGreaterThan(200);
    expectDatabaseTrusted();
    await shop.expectAtRest();
  });
});
