import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Call, checkoutStream, failures } from './calls.js';
import { FarRelay } from './far-relay.js';
import { type Answer, send } from './fault-app.js';
import { type FaultShop, NOISE, startFaultShop } from './fault-shop.js';
import { describeFault } from './repetitions.js';
import { until } from './until.js';

// F26: the database is far away, so that every round trip counts, and nothing else is wrong.

let shop: FaultShop;
let relay: FarRelay;

beforeAll(async () => {
  shop = await startFaultShop({
    env: {
      SLUICE_POOL_CHECKOUT_MIN_IDLE: '16',
      SLUICE_POOL_CATALOG_MIN_IDLE: '8',
      SLUICE_ROUTE_CHECKOUT_DEADLINE_MS: '1500',
    },
    arrange: async (server) => {
      relay = await FarRelay.to({ host: '127.0.0.1', port: server.port });
      const through = new URL(server.url);
      through.port = String(relay.address.port);
      const pools = ['CHECKOUT', 'CATALOG', 'REPORTS', 'ADMIN'];
      return Object.fromEntries(pools.map((pool) => [`SLUICE_POOL_${pool}_URL`, through.href]));
    },
  });
  await until(() => shop.pool('checkout').gauges().total === 16 && shop.pool('catalog').gauges().total === 8);
});
afterAll(async () => {
  await shop.close();
  await relay.close();
});

const buy = (): Promise<Answer> => send(shop.port, '/checkout', { body: { sku: 1, quantity: 1 } });
const look = (): Promise<Answer> => send(shop.port, '/products/1');

/** How many round trips each of these requests costs, one after the other. */
async function tripsOf(ask: () => Promise<Answer>): Promise<number[]> {
  const trips: number[] = [];
  for (let each = 0; each < 12; each += 1) {
    const before = relay.trips;
    expect((await ask()).status).toBeLessThan(300);
    await until(() => shop.pool('checkout').gauges().inUse + shop.pool('catalog').gauges().inUse === 0);
    trips.push(relay.trips - before);
  }
  return trips;
}

const times = (count: number, trips: number): number[] => Array.from({ length: count }, () => trips);

describeFault('F26: the network is slow', () => {
  it('a statement takes one round trip, and a transaction of one statement two', async () => {
    relay.roundTripMs = 0;
    // The first ones may tell their session the limit that it is to have.
    await tripsOf(look);
    await tripsOf(buy);
    expect(await tripsOf(look)).toEqual(times(12, 1));
    expect(await tripsOf(buy)).toEqual(times(12, 2));
  });

  it.each([30, 150])('%i ms: nobody is cut short who would have been served in time', NOISE, async (roundTripMs) => {
    relay.roundTripMs = roundTripMs;
    const read = { name: 'look', method: 'GET', path: '/products/{{int 1 1000}}' };
    const arrivals = { kind: 'poisson', ratePerSecond: 15 } as const;
    const { of } = await shop.load(1_800, [
      checkoutStream('buy', 15),
      { ...read, arrivals, deadlineMs: 500, unansweredAfterMs: 10_000 },
    ]);
    expect({ ...failures(of('buy')), ...failures(of('look')) }).toEqual({});
    const quickest = (calls: readonly Call[]): number => Math.min(...calls.map(({ latencyMs }) => latencyMs));
    expect(quickest(of('look'))).toBeGreaterThanOrEqual(roundTripMs - 2);
    expect(quickest(of('look'))).toBeLessThan(roundTripMs + 20);
    expect(quickest(of('buy'))).toBeGreaterThanOrEqual(2 * roundTripMs - 4);
    expect(quickest(of('buy'))).toBeLessThan(2 * roundTripMs + 30);
    for (const name of ['checkout', 'catalog']) {
      const { state, breaker, gauges } = shop.pool(name);
      const { lost, connectFailures, cancels } = gauges();
      expect({ state, breaker, lost, connectFailures, cancels }).toEqual({
        state: 'up',
        breaker: 'closed',
        lost: 0,
        connectFailures: 0,
        cancels: 0,
      });
    }
    await shop.expectAtRest();
  });
});
